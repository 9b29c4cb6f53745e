"""The study's scenarios (docs/SCENARIOS.md). Files whose name begins with an underscore hold none."""

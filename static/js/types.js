// types.js - the shapes that docs/API.md gives, as JSDoc types. No code runs here.

/**
 * @typedef {"queued"|"building"|"running"|"done"|"failed"|"cancelled"} RunStatus
 *
 * @typedef {object} Measure
 * @property {"changes"|"all"|"marks"} recording
 * @property {number|null} threshold
 * @property {"bounded"|"exact"|null} precision
 * @property {number|null} bound
 * @property {number} interval_us
 *
 * @typedef {object} Run
 * @property {number} id
 * @property {number} batch
 * @property {number|string} cell
 * @property {string} project
 * @property {{sha: string, subject: string|null}} commit
 * @property {{id: number, name: string}} python
 * @property {string} scenario
 * @property {Record<string, number|string|boolean>} params
 * @property {string} allocator
 * @property {Partial<Measure>} measure how it was measured; empty of imported runs
 * @property {number} sample
 * @property {RunStatus} status
 * @property {number|null} percent
 * @property {number} queued_ns
 * @property {number|null} started_ns
 * @property {number|null} finished_ns
 * @property {{id: number, status: string}|null} build
 * @property {number|null} base
 * @property {number|null} original
 * @property {number|null} tide_mark
 * @property {number|null} end
 * @property {number|null} floor
 * @property {number|null} wall_ns
 * @property {number|null} cpu_ns
 * @property {string|null} error
 * @property {boolean} [imported]
 * @property {number} [attempt]
 * @property {string|null} [waiting] why it is not started
 * @property {boolean} [outside] it failed for a reason outside of what is measured
 * @property {Phase[]} [phases] this and what follows: GET /runs/{id} alone
 * @property {number|null} [samples_taken]
 * @property {number|null} [events]
 * @property {number|null} [missed_ticks]
 * @property {Record<string, any>|null} [environment]
 * @property {{code: number|null, signal: number|null}|null} [exit]
 * @property {{original: number, container: number, result: number}|null} [expected]
 *
 * @typedef {object} Phase
 * @property {string} name
 * @property {number} t_ns
 * @property {number} value
 * @property {number} rss
 * @property {number} peak
 * @property {number|null} pss
 * @property {number|null} uss
 * @property {number|null} swap
 *
 * @typedef {object} TracedEvent
 * @property {number|null} index
 * @property {number} t_ns
 * @property {string} kind
 * @property {number} thread
 * @property {string|null} function
 * @property {string|null} file
 * @property {number} line
 * @property {number} rss
 * @property {number} drss
 * @property {number|null} peak
 * @property {number} [value]
 * @property {number} [generation]
 *
 * @typedef {object} FunctionTotal
 * @property {number} id
 * @property {string} name
 * @property {string} file
 * @property {number} line
 * @property {"python"|"c"} kind
 * @property {number|null} calls
 * @property {number} gained
 * @property {number} released
 * @property {number|null} peak
 *
 * @typedef {object} Build
 * @property {number} id
 * @property {string} project
 * @property {{sha: string, subject: string|null}} commit
 * @property {{id: number, name: string}} python
 * @property {"building"|"done"|"failed"} status
 * @property {string} flags
 * @property {string} compiler
 * @property {number} started_ns
 * @property {number|null} finished_ns
 * @property {string|null} error
 * @property {{command: string, exit: number|null, signal: number|null, wall_ns: number}[]} steps
 *
 * @typedef {object} Host
 * @property {number} id
 * @property {string} name
 * @property {string} kernel
 * @property {string} cpu
 * @property {string|null} cpus_allowed
 * @property {number|null} cores
 * @property {number|null} memory
 * @property {number} runs
 * @property {number} newest_run
 * @property {string} thp
 * @property {number|null} mark_error
 * @property {Record<string, number|null>} noise
 * @property {boolean} current
 *
 * @typedef {object} Batch
 * @property {number} id
 * @property {"queued"|"running"|"done"} status
 * @property {number} queued_ns
 * @property {number|null} finished_ns
 * @property {number} runs
 * @property {number} queued
 * @property {number} building
 * @property {number} running
 * @property {number} done
 * @property {number} failed
 * @property {number} percent
 * @property {number|null} eta_ns
 * @property {number} [cancelled]
 * @property {number} [priority]
 * @property {string} [reason]
 * @property {string|null} [by]
 *
 * @typedef {object} TracedFunction
 * @property {number} id
 * @property {string} name
 * @property {string|null} file
 * @property {number|null} line
 * @property {string} kind
 *
 * @typedef {object} Curve
 * @property {number} run
 * @property {RunStatus} status
 * @property {number} points
 * @property {number|null} from_ns
 * @property {number|null} to_ns
 * @property {number|null} end_ns
 * @property {number[]} t_ns
 * @property {number[]} rss
 * @property {number[]} function
 * @property {TracedFunction[]} functions
 *
 * @typedef {{run: number, t_ns: number[], rss: number[]}} CurveGrowth
 *
 * @typedef {object} Python
 * @property {number} id
 * @property {string} name
 * @property {string} version
 * @property {string} abi
 * @property {string} program
 * @property {string} source
 * @property {boolean} usable
 * @property {string|null} reason
 *
 * @typedef {object} Project
 * @property {string} name
 * @property {string|null} repo null: it is made of versions
 * @property {string|null} versions folder of released versions
 * @property {string|null} branch null: the HEAD of the source
 * @property {Record<string, any>|null} recipe
 * @property {string|null} scenarios
 * @property {string[]} pythons
 * @property {boolean} enabled
 * @property {string|null} baseline a Python, a commit behind an at sign, or both
 * @property {string[]} cron
 * @property {string} timezone
 * @property {number|null} poll_s
 * @property {boolean} webhook there is a secret for pushes
 * @property {boolean} on_new_python
 * @property {Record<string, any>|null} trigger what is queued by itself
 * @property {{reason: string, by: string|null, at_ns: number, batch: number|null,
 *   error: string|null}|null} last_trigger
 * @property {{url: string}[]} notify hosts alone
 * @property {{file: string, error: string}[]} [left_out] in the answer to a change
 *
 * @typedef {{sha: string, subject: string, author: string, committed_ns: number}} Commit
 *
 * @typedef {object} Param
 * @property {string} name
 * @property {string} type
 * @property {number|string|boolean} default
 * @property {number|string|boolean} [demo]
 * @property {number} [minimum]
 * @property {number} [maximum]
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} [project]
 * @property {string|null} title
 * @property {string} version
 * @property {string} module
 * @property {Param[]} params
 *
 * @typedef {{queued: number, building: number, running: number, paused: boolean}} Queue
 *
 * @typedef {object} Status
 * @property {string} version
 * @property {number} started_ns
 * @property {string} project
 * @property {{usable: number, unusable: number}} pythons
 * @property {Queue} queue
 * @property {boolean} discovering
 * @property {string|null} trouble why nothing can be measured
 *
 * @typedef {{name: string, title: string, unit: string}} Metric
 * @typedef {{sha: string, subject: string|null, committed_ns: number}} CommitRef
 * @typedef {{id: number, name: string, version: string}} PythonRef
 * @typedef {Record<string, number|string|boolean>} Params
 *
 * @typedef {object} Spread of a metric within a cell; the interval is null of too few samples
 * @property {number} n
 * @property {number} minimum
 * @property {number} maximum
 * @property {number} median
 * @property {number|null} low
 * @property {number|null} high
 *
 * @typedef {object} Verdict
 * @property {"same"|"better"|"worse"|"inconclusive"|null} verdict
 * @property {number|null} effect
 * @property {number|null} low
 * @property {number|null} high
 * @property {number|null} percent
 * @property {number|null} noise
 * @property {string|null} why
 * @property {number|null} needs
 *
 * @typedef {object} MatrixFields
 * @property {number} cell
 * @property {"done"|"failed"|"build_failed"|"queued"|"running"} status
 * @property {Spread|null} M
 * @property {number|null} interpreter
 * @property {number|null} extension
 * @property {(number|null)[]} spark oldest first
 * @property {number|null} run the newest
 * @property {number|null} build
 * @property {string|null} error
 *
 * @typedef {MatrixFields & Verdict} MatrixCell
 *
 * @typedef {object} MatrixRow
 * @property {string} scenario
 * @property {string|null} title
 * @property {Params} params
 * @property {string} allocator
 * @property {(MatrixCell|null)[]} cells in the order of the Pythons
 * @property {string|null} first_moved
 * @property {"extension"|"interpreter"|"both"|null} moved
 *
 * @typedef {object} MatrixAnswer
 * @property {string} project
 * @property {CommitRef|null} commit
 * @property {{text: string|null, python: string|null, commit: string|null}|null} baseline its
 *   Python's name and its commit's sha
 * @property {string} metric
 * @property {string} unit
 * @property {PythonRef[]} pythons
 * @property {MatrixRow[]} rows
 *
 * @typedef {object} Regression
 * @property {number} id
 * @property {string} scenario
 * @property {Params} params
 * @property {PythonRef} python
 * @property {string} allocator
 * @property {string} metric
 * @property {string} unit
 * @property {CommitRef} commit
 * @property {CommitRef|null} previous
 * @property {"step"|"creep"} kind
 * @property {"suspect"|"confirmed"|"dropped"} status
 * @property {"worse"|"better"} verdict
 * @property {number} effect
 * @property {number|null} low
 * @property {number|null} high
 * @property {number|null} percent
 * @property {{reason: string, by: string|null}|null} accepted
 * @property {number} found_ns
 *
 * @typedef {object} Change
 * @property {number|null} id null: found for this answer only, it cannot be accepted
 * @property {number} index of the first commit after it
 * @property {number} end
 * @property {"step"|"creep"} kind
 * @property {"suspect"|"confirmed"} status
 * @property {number} before
 * @property {number} after
 * @property {number} effect
 * @property {number|null} low
 * @property {number|null} high
 * @property {number|null} percent
 * @property {"worse"|"better"} verdict
 * @property {{reason: string}|null} accepted
 *
 * @typedef {object} Line of one Python; its columns are parallel to the commits
 * @property {string|number} id
 * @property {PythonRef} python
 * @property {string} version of the scenario
 * @property {(number|null)[]} cell
 * @property {number[]} n
 * @property {(number|null)[]} median
 * @property {(number|null)[]} minimum
 * @property {(number|null)[]} maximum
 * @property {(number|null)[]} low
 * @property {(number|null)[]} high
 * @property {(string|null)[]} status
 * @property {Change[]} changes
 *
 * @typedef {object} SeriesAnswer
 * @property {string} project
 * @property {string} scenario
 * @property {string} metric
 * @property {string} unit
 * @property {Params} params
 * @property {string} allocator
 * @property {{sha: string[], subject: string[], committed_ns: number[],
 *   tag: (string|null)[]}} commits oldest first
 * @property {Line[]} series
 *
 * @typedef {{label: string, commit?: CommitRef, python?: PythonRef, allocator?: string}} Side
 *
 * @typedef {object} ComparedFields
 * @property {string} scenario
 * @property {string|null} title
 * @property {Params} params
 * @property {string} python its name
 * @property {string} commit its sha
 * @property {string} allocator
 * @property {{cell: number, runs: number[]} & Spread} base
 * @property {{cell: number, runs: number[]} & Spread} head
 * @property {{what: string, base: string, head: string}[]} differences
 *
 * @typedef {ComparedFields & Verdict} Compared
 *
 * @typedef {object} Comparison
 * @property {string} project
 * @property {"commit"|"python"|"allocator"} axis
 * @property {string} metric
 * @property {string} unit
 * @property {Side} base
 * @property {Side} head
 * @property {Compared[]} cells
 * @property {Record<"worse"|"better"|"same"|"inconclusive"|"missing", number>} summary
 * @property {{scenario: string, python: string|null, side: string, why: string}[]} missing
 *
 * @typedef {object} Attribution
 * @property {string} metric
 * @property {number} effect
 * @property {{name: string, file: string|null, line: number|null, kind: string, base: number,
 *   head: number, effect: number}[]} functions
 * @property {{name: string, base: number, head: number, effect: number}[]} phases
 * @property {{index: number, base: number, head: number, effect: number}[]} iterations
 * @property {number} unattributed
 * @property {{phases: {name: string, at: number}[], at: number[], base: (number|null)[],
 *   head: (number|null)[], difference: (number|null)[]}|null} curves
 *
 * @typedef {object} Bisect
 * @property {number} id
 * @property {"running"|"done"|"failed"|"cancelled"} status
 * @property {CommitRef} good
 * @property {CommitRef} bad
 * @property {string} scenario
 * @property {PythonRef|string} python
 * @property {string} unit
 * @property {{commit: CommitRef, outcome: "measuring"|"good"|"bad"|"skipped", value: number|null,
 *   why: string|null, runs: number[]}[]} steps
 * @property {number|null} left
 * @property {number|null} eta_ns
 * @property {any} result
 * @property {string|null} error
 *
 * @typedef {object} Problem
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} [field]
 * @property {string} [detail]
 * @property {string[]|string|object} [allowed]
 *
 * @typedef {{kind: string, title: string, detail: string|null, link: string}} Found
 *
 * @typedef {object} TriggerRequest
 * @property {string} [project]
 * @property {(string|Record<string, string|number>)[]} [commits] revisions, ranges, "tags", "new",
 *   "missing", and ranges as objects
 * @property {string} [since]
 * @property {string} [until]
 * @property {number|string} [every]
 * @property {string[]} pythons
 * @property {string[]} scenarios
 * @property {Record<string, number|string|boolean>} [params]
 * @property {number|string} [samples]
 * @property {"demo"|"full"} [size]
 * @property {string[]} [allocators]
 * @property {string} [recording]
 * @property {number|string} [threshold] bytes
 * @property {string} [precision]
 * @property {number|string} [bound] bytes
 * @property {number|string} [interval_us]
 * @property {number|string} [priority]
 * @property {number|string} [seed]
 * @property {boolean} [retry_failed]
 *
 * @typedef {object} Plan
 * @property {number} runs
 * @property {number} cells
 * @property {Commit[]} commits
 * @property {string[]} pythons
 * @property {string[]} scenarios
 * @property {{needed: number, cached: number, failed: number}} builds
 * @property {{commit: string, python: string, build: number, error: string}[]} known_failures
 * @property {{seconds: number|null, unknown_runs: number, unknown_builds: number}} estimate
 * @property {{largest: number|null, available: number|null}} memory bytes
 * @property {{what: string, why: string}[]} left_out
 */

export {};

"""Nothing at all: what the interpreter itself costs.

The payload is 0 bytes. What this scenario's runs show is the base of every other one: the RSS of an
embedded CPython of that release with the instrument in it, and how far it moves by itself.
"""


def peakmem_empty():
    """An empty function: the memory of the interpreter alone, 0 bytes of payload."""

"""What the scenarios share: the loop that builds, converts, compares and deletes. Holds no payload."""

from tidemark import iterations, mark


def round_trips(build, convert, of, repeat):
    """`repeat` times: original = build(), result = convert(original), compare, delete both.

    `of` is the type of every item, of keys and values alike in a dict. Building and comparing are
    outside the measured call and use operators where they can: calls per item would be events.
    """
    for _ in iterations(repeat):
        original = build()
        mark("original")
        result = convert(original)
        mark("result")
        check(original, result, of)
        del original, result


def check(original, result, of):
    """Fail unless the result is another object that equals the original and holds nothing but `of`."""
    types = {*map(type, result)}
    if isinstance(result, dict):
        types |= {*map(type, result.values())}
    if result is original or result != original or types - {of}:
        raise AssertionError("the new %s differs from the original" % type(original).__name__)


def refuse_equal_items(count, length):
    """Items are decimal numbers: `length` digits must suffice to tell `count` of them apart."""
    if count > 10 ** length:
        raise ValueError("%d items of %d digits cannot all differ: raise length" % (count, length))

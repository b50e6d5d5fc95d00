"""Generated names. Source: `k8s.io/apimachinery/pkg/util/rand`: no vowels, and no digits that read as one."""

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LENGTH = 5


def spelled(number: int, length: int = SUFFIX_LENGTH) -> str:
    """A number as so many of those letters; numbers that differ by 27 to the power of `length` are spelled alike."""
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(length))

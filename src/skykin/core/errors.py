"""The errors of Skykin: each says what is wrong, the value that was found, and the way out."""

from __future__ import annotations

import errno
import re
from typing import ClassVar

from skykin.core.clean import one_line

LONGEST_SHOWN = 120
#: What libraries say, each in its own kind of error, where the system gives them no more memory.
NO_MEMORY = re.compile(
    r"bad[_ ]alloc|(cannot|can't|failed to|unable to) allocate|failed to map segment|out of memory|"
    r"can't start new thread|failed to serialize proto",
    re.IGNORECASE,
)
#: What a program says then.
TOO_LITTLE_MEMORY = (
    "this computer has too little free memory for the job; what was there before is there still, so use "
    "fewer --pixels or fewer --jobs, or end other programs"
)


class SkykinError(Exception):
    """Base of every error that Skykin raises on purpose.

    Its sentence, as every note, names a setting as a command takes it: ``--min-coverage`` is the keyword
    ``min_coverage=`` in Python, and ``--survey-option beam_deg=0.5`` is ``survey_option={"beam_deg": 0.5}``.
    A sentence that refuses a value begins with the keyword, and a command shows it as its option.

    Attributes
    ----------
    code : str
        Stable identifier such as ``IN-TRUNC``; scripts may rely on it.
    exit_code : int
        What the command line returns for this kind of error.

    Examples
    --------
    >>> try:
    ...     skykin.recipe("nothing")
    ... except skykin.SkykinError as error:
    ...     print(error.code, error.exit_code)
    USAGE-NAME 2
    """

    exit_code: ClassVar[int] = 8
    default_code: ClassVar[str] = "BUG"

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code or self.default_code


class UsageError(SkykinError, ValueError):
    """An option or argument has an invalid value."""

    exit_code = 2
    default_code = "USAGE"


class UnknownNameError(UsageError, LookupError):
    """A name of a survey, region or recipe is not in our tables."""

    default_code = "USAGE-NAME"


class InputRefusedError(SkykinError, ValueError):
    """An input was read and cannot be used."""

    exit_code = 3
    default_code = "IN-KEY"


class NotThisFormatError(InputRefusedError):
    """The file is not what its place says: not FITS, not an image, a web page."""

    default_code = "IN-NOTFITS"


class CorruptFileError(InputRefusedError, OSError):
    """The file is cut short or its bytes are not those that were written."""

    default_code = "IN-TRUNC"


class HeaderInvalidError(InputRefusedError):
    """A keyword or column is missing or contradicts the data."""

    default_code = "IN-KEY"


class TooLargeError(InputRefusedError):
    """The input asks for more memory or time than the limits allow."""

    default_code = "IN-TOOBIG"


class SkyError(InputRefusedError):
    """A position, frame, unit or projection cannot be used on the sky."""

    default_code = "SKY-RANGE"


class DataQualityError(InputRefusedError):
    """The values are there, but they carry nothing to measure."""

    default_code = "DQ-ALLBLANK"


class IndexRefusedError(SkykinError, ValueError):
    """An index is damaged, of another version, or of another survey, recipe or grid than expected."""

    exit_code = 5
    default_code = "IX-CORRUPT"


class ResourceError(SkykinError, OSError):
    """Disk, memory, permissions or an optional package are missing."""

    exit_code = 6
    default_code = "RS-DISK"


class RemoteError(SkykinError, OSError):
    """A download failed or returned something else than expected."""

    exit_code = 7
    default_code = "RM-TIMEOUT"


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it arose from, is that the system gave no more memory."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if not isinstance(error, SkykinError) and NO_MEMORY.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def option_of(keyword: str) -> str:
    """Give the option of a command for a keyword: ``--tile-size`` for ``tile_size``."""
    return f"--{keyword.replace('_', '-')}"


def shown(text: object) -> str:
    """Quote text from outside so that it is safe and short on a terminal or page.

    Control and bidirectional characters are removed, and at most 120 characters are kept.
    """
    clean = one_line(text)
    if len(clean) > LONGEST_SHOWN:
        clean = clean[: LONGEST_SHOWN - 1] + "…"
    return repr(clean)

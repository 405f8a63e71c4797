"""Every error that the harness raises on purpose, and whose fault it is.

SignoffError
├── UserError          exit 2   the command line, signoff.toml, an environment variable
│   └── ConfigError
├── LabError           exit 4   a server, proxy or port that we start did not come up
│   └── PrerequisiteError       a tool that must be installed first
├── SubjectError                what is judged misbehaved: becomes a verdict, never an exit
├── WireError                   bytes from a server that are not SpacetimeDB's protocol
├── EvidenceError      exit 5   a bundle that is not what it says
└── HarnessError       exit 70  our own bug

An error says what was expected, what came, where, and what to do next.

    raise ConfigError("unknown key 'tabel'", where="signoff.toml:12", hint="did you mean 'table'?")
"""

from __future__ import annotations


class SignoffError(Exception):
    """The root. `where` is a file:line or an address, `hint` the next thing to do."""

    exit_code = 70

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{advice}"


class UserError(SignoffError):
    exit_code = 2


class ConfigError(UserError):
    """signoff.toml cannot be used as it is."""


class LabError(SignoffError):
    exit_code = 4


class PrerequisiteError(LabError):
    """A tool that the lab builds or runs with is absent or too old."""


class SubjectError(SignoffError):
    """The subject did not do what its contract says. A gate turns it into a verdict."""

    exit_code = 1


class WireError(SignoffError):
    """A frame that is not in the protocol's table."""


class EvidenceError(SignoffError):
    exit_code = 5


class HarnessError(SignoffError):
    """Our own bug."""

"""What guards.toml says of a tree's documents, under [documents]."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DecisionConfig(BaseModel):
    """A superseding decision that must be there: accepted, dated, and with what it must name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    supersedes: str = ""  # what it must say that it takes the place of
    sections: tuple[str, ...] = ("exception process", "verification")


class RunbookConfig(BaseModel):
    """Where each of these has an entry of its own: a heading that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    entries: tuple[str, ...]
    parts: tuple[str, ...] = ()  # words that each entry must hold, such as "Rollback"


class ContractConfig(BaseModel):
    """What the documents may name. `signoff` is a subject's signoff.toml, from which routes and variables are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signoff: str = ""
    routes: tuple[str, ...] = ()
    route_prefixes: tuple[str, ...] = ("/api/", "/v1/", "/internal/")
    variables: tuple[str, ...] = ()
    variable_prefixes: tuple[str, ...] = ()  # none: the first words of the contract's variables
    canonical: tuple[str, ...] = ()  # routes that the required documents must name


class DocumentsConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    active: tuple[str, ...] = ("*.md",)  # globs; ** is implied: a star crosses folders
    required: tuple[str, ...] = ()
    archived: tuple[str, ...] = ("*/archive/*", "archive/*", "*/archived/*")
    historical: tuple[str, ...] = ("*/status/*",)
    indexes: tuple[str, ...] = ("README.md", "*/README.md", "*/index.md")
    commands: tuple[str, ...] = ("sh", "bash", "shell", "console")
    contract: ContractConfig = ContractConfig()
    decision: DecisionConfig | None = None
    runbook: RunbookConfig | None = None

"""The command line: the composition root, which alone knows all parts.

Imports are lazy, so that `signoff --help` answers at once. Exit codes are part of the interface
(docs/exit-codes.md); an error of ours is 70, never 1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
lab_app = typer.Typer(no_args_is_help=True, help="The lab's servers: install them, start them, stop them.")
app.add_typer(lab_app, name="lab")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The subject's signoff.toml (default: found upward).")
]


def _config_path(given: Path | None) -> Path:
    from harness.loading import find

    return given.resolve() if given is not None else find(Path.cwd())


@app.command()
def run(
    config: ConfigOption = None,
    only: Annotated[list[str] | None, typer.Option(help="A gate, or a prefix ending in /; may be repeated.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave a gate or prefix out; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is random in the run.")] = 1,
    jobs: Annotated[int, typer.Option(help="Gates beside each other (0: as many as cores, at most 4).")] = 0,
    profile: Annotated[str, typer.Option(help="smoke (never GO), standard or release.")] = "standard",
    release: Annotated[str, typer.Option(help="The release that is signed off.")] = "",
    out: Annotated[Path, typer.Option(help="Where evidence is written.")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help="Print signoff.json instead of progress.")] = False,
    quiet: Annotated[bool, typer.Option(help="Print the last line only.")] = False,
) -> None:
    """Play the gates on real servers and leave a signoff."""
    from harness.commands import run_command

    sys.exit(
        run_command(
            _config_path(config),
            only or [],
            skip or [],
            seed=seed,
            jobs=jobs,
            profile=profile,
            release=release,
            out=out,
            as_json=as_json,
            quiet=quiet,
        )
    )


@app.command()
def drill(
    drill_id: Annotated[str, typer.Argument(help="Such as chaos/reconnect-storm.", metavar="ID")],
    config: ConfigOption = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same schedule.")] = 1,
    schedule: Annotated[Path | None, typer.Option(help="A saved schedule.json, played exactly.")] = None,
    shrink: Annotated[bool, typer.Option("--shrink", help="Reduce a failing schedule over re-runs.")] = False,
    tries: Annotated[int, typer.Option(help="Plays of each candidate while shrinking.", min=1)] = 3,
    profile: Annotated[str, typer.Option(help="smoke, standard or release.")] = "smoke",
    out: Annotated[Path, typer.Option(help="Where evidence is written.")] = Path("reports"),
) -> None:
    """Play one drill, telling of each fault as it comes; the same failure again on a laptop."""
    from chaos.replay import Asked, drill_command
    from harness.commands import checked_profile, signals_are_interrupts

    signals_are_interrupts()
    asked = Asked(_config_path(config), drill_id, seed, checked_profile(profile), out.resolve(), schedule, tries)
    sys.exit(drill_command(asked, shrinking=shrink))


@app.command()
def mutants(
    config: Annotated[
        Path | None, typer.Option("--config", help="signoff.toml of the subject to patch (default: the reference's).")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="A defect, such as D01; may be repeated.")] = None,
    out: Annotated[Path, typer.Option(help="Where the evidence of the variants is written.")] = Path("reports/mutants"),
) -> None:
    """Play each defect variant of the reference subject: its gate must go red for the named invariant."""
    from harness.commands import mutants_command

    sys.exit(mutants_command(config.resolve() if config is not None else None, only or [], out))


@app.command()
def guards(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders or files (default: here).")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="guards.toml (default: found upward).")] = None,
    baseline: Annotated[str, typer.Option(help="A git revision: only what is new since then blocks.")] = "",
    sarif: Annotated[Path | None, typer.Option(help="Write SARIF 2.1.0 to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    annotations: Annotated[bool, typer.Option("--annotations", help="Print workflow annotations too.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print an exception to fill in for each rule.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show sightings that do not block too.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Look at every file anew.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes (0: as many as cores, at most 4).", min=0)] = 0,
    semgrep: Annotated[bool, typer.Option("--semgrep", help="Ask semgrep too (Rust, TypeScript, Swift).")] = False,
) -> None:
    """Search a source tree for what must be gone. Starts nothing of the subject."""
    from guards.command import Asked, guards_command

    asked = Asked(
        paths or [], config, baseline, sarif, as_json, annotations, explain, every, not no_cache, jobs, semgrep
    )
    sys.exit(guards_command(asked))


@app.command("list")
def list_gates() -> None:
    """Every gate of the matrix, whether it is built, and the clauses that it decides."""
    from harness.commands import list_command

    list_command()


@app.command()
def init(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("signoff.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Look at the working directory and write a commented signoff.toml, with what was found filled in."""
    from harness.commands import init_command

    sys.exit(init_command(Path.cwd(), out, force=force))


@app.command()
def doctor(
    config: ConfigOption = None,
    subject: Annotated[bool, typer.Option("--subject", help="Start the subject, and say what was reached.")] = False,
) -> None:
    """What the machine has and lacks for a run, step by step; with --subject, how far the harness gets with it."""
    from harness.commands import doctor_command, reach_command

    sys.exit((reach_command if subject else doctor_command)(_config_path(config)))


@app.command()
def verify(directory: Annotated[Path, typer.Argument(help="A run's folder, such as reports/latest.")]) -> None:
    """Judge a bundle again, offline: digests, plan, record, checkers on the stored histories."""
    from harness.commands import verify_command

    sys.exit(verify_command(directory))


@app.command()
def report(directory: Annotated[Path, typer.Argument(help="A run's folder.")] = Path("reports/latest")) -> None:
    """Print a run's SIGNOFF.md from its signoff.json."""
    from harness.commands import report_command

    sys.exit(report_command(directory))


@lab_app.command("install")
def lab_install() -> None:
    """Build or find the pinned servers; nothing when they are there."""
    from harness.commands import install_command

    sys.exit(install_command())


@lab_app.command("up")
def lab_up(config: ConfigOption = None) -> None:
    """Start a lab with the subject's module, print its addresses, and stay until Ctrl-C or `lab down`."""
    from harness.commands import up_command

    sys.exit(up_command(_config_path(config)))


@lab_app.command("down")
def lab_down() -> None:
    """End the lab that `lab up` started."""
    from harness.commands import down_command

    sys.exit(down_command())


def main() -> None:
    """The entry point. Maps every error to its exit code, with one clear message."""
    from harness.errors import SignoffError
    from harness.verdict import Exit

    try:
        code = app(standalone_mode=False)
        if code == Exit.INTERRUPTED:  # what typer makes of Ctrl-C is a value, and no exception
            raise KeyboardInterrupt
    except SignoffError as error:
        print(f"signoff: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(Exit.INTERRUPTED)
    except KeyboardInterrupt:
        print("signoff: interrupted", file=sys.stderr)
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:
        if _is_usage(error):
            error.show()  # type: ignore[attr-defined]
            sys.exit(Exit.USAGE)
        import traceback

        traceback.print_exc()
        print(
            "signoff: this is a bug of ours, not of the subject: please report it with the lines above", file=sys.stderr
        )
        sys.exit(Exit.INTERNAL)


def _is_usage(error: Exception) -> bool:
    """Typer's own errors of the command line, whichever click it carries."""
    return hasattr(error, "show") and hasattr(error, "format_message")


if __name__ == "__main__":
    main()

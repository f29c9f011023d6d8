"""The command `skykin doctor`: what computes on this machine, and what to change."""

from __future__ import annotations

from skykin.cli.terminal import printer


def doctor_command() -> None:
    """Say which processor, libraries and devices compute here, and what would make them faster."""
    from skykin.cli.surveys import print_facts
    from skykin.jobs.listing import doctor

    found = doctor()
    print_facts(found.facts)
    for sentence in found.notes:
        printer().print(f"\n{sentence}")

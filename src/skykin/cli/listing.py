"""Commands that list what can be chosen."""

from __future__ import annotations

from rich.table import Table

from skykin.cli.terminal import Terminal


def recipes_command() -> None:
    """List the recipes: the ways to measure style."""
    from skykin.style.recipe import recipes

    table = Table("recipe", "for", "what it does", title="Recipes", title_justify="left")
    for name, recipe in recipes().items():
        table.add_row(name, recipe.suits, recipe.description)
    Terminal().print(table)


def regions_command() -> None:
    """List the regions that can be named as a reference, with their positions, and the named sets."""
    from skykin.catalogue.references import PREFIX, reference_sets
    from skykin.jobs.listing import regions

    table = Table("name", "l [deg]", "b [deg]", "size [deg]", "kind", "also called")
    for row in regions():
        table.add_row(
            str(row["name"]),
            f"{row['lon'].value:.2f}",
            f"{row['lat'].value:+.2f}",
            f"{row['diameter_deg'].value:.1f}",
            str(row["kind"]),
            str(row["aliases"]).replace(";", ", "),
        )
    Terminal().print(table)
    sets = Table("set", "regions", "combined by", "chosen by this rule")
    for one in reference_sets():
        sets.add_row(f"{PREFIX}{one.name}", ", ".join(one.members), one.combine, one.rule)
    Terminal().print(sets)

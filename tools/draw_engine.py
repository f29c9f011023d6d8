"""Draw the figure of docs/explain/engine.md.

python tools/draw_engine.py docs/pictures/engine.png
"""

import sys

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

BLUE, ORANGE, GREY = "#1f5a94", "#d9772b", "#8a8f98"


def facet(axes):
    """Draw a picture with its context, cells, and two overlapping tiles."""
    axes.add_patch(Rectangle((-1.1, -1.1), 10.2, 8.2, facecolor="#e9ecf0", edgecolor="none"))
    axes.add_patch(Rectangle((0, 0), 8, 6, facecolor="white", edgecolor="black"))
    for x in range(1, 8):
        axes.plot([x, x], [0, 6], color=GREY, linewidth=0.6)
    for y in range(1, 6):
        axes.plot([0, 8], [y, y], color=GREY, linewidth=0.6)
    for x, y, colour in ((1, 1, BLUE), (2, 1, ORANGE)):
        axes.add_patch(Rectangle((x, y), 4, 4, facecolor=colour, alpha=0.18, edgecolor="none"))
        axes.add_patch(Rectangle((x, y), 4, 4, facecolor="none", edgecolor=colour, linewidth=2))
    axes.text(4, 6.25, "context: 70 pixels of true sky on each side", ha="center", fontsize=8)
    axes.text(0.1, -0.75, "cell = tile spacing", fontsize=8, color=GREY)
    axes.set_title("A facet, its cells and two of its tiles", fontsize=10)


def bands(axes):
    """Draw the blocks of the network as bands of rows that follow each other down the picture."""
    for level, (name, depth) in enumerate(zip("12345", (6.0, 5.2, 4.2, 3.0, 2.0), strict=True)):
        left = level * 1.75
        axes.add_patch(
            Rectangle((left, 6 - depth), 1.35, depth, facecolor=BLUE, alpha=0.16, edgecolor="none")
        )
        axes.add_patch(Rectangle((left, 6 - depth), 1.35, 0.7, facecolor=BLUE, alpha=0.75, edgecolor="none"))
        axes.plot([left, left + 1.35], [6 - depth + 0.85] * 2, color=ORANGE, linewidth=2)
        axes.text(left + 0.67, 6.25, f"block {name}", ha="center", fontsize=8)
        if level:
            axes.annotate(
                "", (left, 6 - depth + 0.8), (left - 0.4, 6 - depth + 0.8), arrowprops={"arrowstyle": "->"}
            )
    axes.text(0, -0.75, "dark: band at work    orange: rows kept for the next band", fontsize=8)
    axes.set_title("The network, band of rows by band of rows", fontsize=10)


def main():
    """Draw both panels and save them."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.9))
    for draw, axes in zip((facet, bands), panels, strict=True):
        draw(axes)
        axes.set_xlim(-1.2, 9.2)
        axes.set_ylim(-1.2, 7.2)
        axes.set_aspect("equal")
        axes.axis("off")
    figure.tight_layout()
    figure.savefig(sys.argv[1], dpi=130)


if __name__ == "__main__":
    main()

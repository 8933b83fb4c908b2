"""Draw one picture from run directories: python pictures.py RUNS_FOLDER PICTURE.png"""

import sys
from pathlib import Path

from wattq.experiments import read_run
from wattq.experiments.plots import render, slowdown_figure


def main(folder, picture):
    runs = [read_run(place) for place in sorted(Path(folder).iterdir()) if (place / "jobs.csv").is_file()]
    figure = slowdown_figure({run.policy: run for run in runs})
    Path(picture).write_bytes(render(figure, dpi=110))


if __name__ == "__main__":
    main(*sys.argv[1:])

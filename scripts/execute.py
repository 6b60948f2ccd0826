"""Execute chapters in place, so that a second execution changes nothing.

    python scripts/execute.py [notebooks/02_vowels.ipynb ...]        (default: every notebook)

Each chapter runs in a new kernel. The pictures' captions and descriptions go into the metadata of their cells, where
the rendered book takes captions and alt texts from. A chapter with a failing cell is left as it was, and the exit
status is 1. Prints how long each chapter ran, beside the run time that its frame promises.
"""

import pathlib
import re
import sys
import time

import nbformat
from compare import differences
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = pathlib.Path(__file__).resolve().parent.parent


def chapters():
    """The paths of all chapters, in order."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def notebooks():
    """The paths of all notebooks: the chapters, and the pages of the book that are notebooks."""
    return chapters() + sorted((ROOT / "book").glob("*.ipynb"))


def executed(path):
    """The notebook at `path`, executed anew in its folder, not written.

    Outputs that nobody could tell from the stored ones are the stored ones: on another processor a picture may differ in a
    few pixels.
    """
    notebook = nbformat.read(path, as_version=4)
    stored = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False, coalesce_streams=True,
                            resources={"metadata": {"path": str(path.parent)}},
                            extra_arguments=["--log-level=ERROR"])
    client.execute()
    # The kernel reports its exact Python here, which would differ from machine to machine.
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if not differences(cell.outputs, stored[cell.id].outputs):
                cell.outputs = stored[cell.id].outputs
            _describe_pictures(cell)
    return notebook


def text(notebook):
    """The notebook as it stands in its file."""
    return nbformat.writes(notebook) + "\n"


def run_time(notebook):
    """The seconds that the frame of a chapter promises, or None."""
    found = re.search(r"\*\*Run time\*\*: (\d+) s", notebook.cells[0].source)
    return int(found[1]) if found else None


def _describe_pictures(cell):
    """Copy caption and description of the cell's picture into its metadata; a cell without one keeps none."""
    cell.metadata.pop("mystnb", None)
    for output in cell.outputs:
        said = output.get("metadata", {}).get("image/png")
        if said:
            cell.metadata["mystnb"] = {"figure": {"caption": said["caption"]}, "image": {"alt": said["alt"]}}


def main(paths):
    failed = 0
    for path in paths:
        begun = time.perf_counter()
        try:
            notebook = executed(path)
        except CellExecutionError as error:
            failed += 1
            print(f"{path.name}: not written, a cell failed\n{error}", file=sys.stderr)
            continue
        seconds = time.perf_counter() - begun
        path.write_text(text(notebook), encoding="utf-8")
        print(f"{path.name}: {seconds:.1f} s (its frame says {run_time(notebook)} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main([pathlib.Path(argument).resolve() for argument in sys.argv[1:]] or notebooks()))

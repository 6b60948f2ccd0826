"""A progress bar for long work: in a terminal, and in a notebook that somebody works in. Nothing anywhere else.

When the work is done the bar is gone, so that a chapter's outputs are the same with and without it.
"""

import html

from tqdm import tqdm

from ._front_end import somebody_is_there


def progress(iterable=None, *, description, total=None):
    """A `tqdm` bar over an iterable, or one with a total to `update`. In a notebook it appears after one second."""
    if somebody_is_there():
        return _NotebookBar(iterable, desc=description, total=total, delay=1, gui=True)
    return tqdm(iterable, desc=description, total=total, disable=None, leave=False)


class _NotebookBar(tqdm):
    """tqdm's own bar for notebooks is a widget, which stays behind in the file as a widget that no longer exists."""

    shown = None

    def display(self, *args, **kwargs):
        values = self.format_dict
        rate, total = values["rate"], self.total
        left = f", about {(total - self.n) / rate:.0f} s left" if rate and total else ""
        words = f"{self.desc}: {self.n} of {total}{left}" if total else f"{self.desc}: {self.n}"
        bar = f'<progress max="{total}" value="{self.n}"></progress>' if total else ""
        self._say({"text/plain": words, "text/html": f"<label>{html.escape(words)} {bar}</label>"})

    def close(self):
        if self.shown is not None and not self.disable:
            self._say({"text/plain": ""})
        super().close()

    def _say(self, bundle):
        from IPython.display import display

        if self.shown is None:
            self.shown = display(bundle, raw=True, display_id=True)
        else:
            self.shown.update(bundle, raw=True)

"""What the widgets of all interactives share: controls in one style, and one rule for what happens when one is moved."""

import base64
import html
from contextlib import contextmanager

import ipywidgets

from ._interactive import MOST_OF_SEEDS

_STYLE = {"description_width": "10em"}
_LAYOUT = {"width": "30em"}


def slider(description, low, high, value, step=0.1, **more):
    """A slider that reacts when it is let go."""
    return ipywidgets.FloatSlider(description=description, min=low, max=high, value=value, step=step,
                                  continuous_update=False, style=_STYLE, layout=_LAYOUT, **more)


def ratio_slider(description, low, high, value, step=0.05, **more):
    """A slider of equal ratios. low, high, step: powers of 10."""
    return ipywidgets.FloatLogSlider(description=description, min=low, max=high, value=value, step=step,
                                     continuous_update=False, style=_STYLE, layout=_LAYOUT, **more)


def steps(description):
    """A slider over whole numbers from 0; its end is set when it is known."""
    return ipywidgets.IntSlider(description=description, min=0, value=0, continuous_update=False, style=_STYLE,
                                layout=_LAYOUT)


def choice_slider(description, options, value):
    """A slider over a few options. options: pairs of words and value."""
    return ipywidgets.SelectionSlider(description=description, options=list(options), value=value, continuous_update=False,
                                      style=_STYLE, layout=_LAYOUT)


def choice(description, options, value):
    """A choice of one of several. options: pairs of words and value, or values."""
    return ipywidgets.Dropdown(description=description, options=list(options), value=value, style=_STYLE, layout=_LAYOUT)


def expert_choice(experts):
    """Which of so many experts the controls below belong to."""
    return choice("move expert", [(f"expert {k}", k) for k in range(experts)], 0)


def seed_field(value, highest=MOST_OF_SEEDS):
    """A field for a seed from 0."""
    return ipywidgets.BoundedIntText(description="seed", min=0, max=highest, value=value, style=_STYLE, layout=_LAYOUT)


def button(words):
    """A button."""
    return ipywidgets.Button(description=words)


class Panel:
    """Controls, one above the other, and below them what is shown. `box` is the ipywidgets box of all of it."""

    def __init__(self, *controls):
        self._shown, self._setting = ipywidgets.HTML(), False
        self.box = ipywidgets.VBox([*controls, self._shown])

    def show(self, *parts):
        """Show pictures and HTML in place of what was shown."""
        self._shown.value = "".join(part if isinstance(part, str) else _image(part) for part in parts)

    @contextmanager
    def setting(self):
        """Controls that are set in this context were not moved by a reader, and nothing reacts to them."""
        self._setting = True
        try:
            yield
        finally:
            self._setting = False

    def on_move(self, react, *controls):
        """Call `react` when a reader moves one of the controls."""
        def moved(_):
            if not self._setting:
                react()

        for control in controls:
            control.observe(moved, "value")

    def on_press(self, react, pressed, meanwhile=None):
        """Call `react` when a button is pressed; it is off, and these words are shown, until that is done."""
        def press(_):
            pressed.disabled = True
            if meanwhile:
                self.show(f"<p>{meanwhile}</p>")
            try:
                react()
            finally:
                pressed.disabled = False

        pressed.on_click(press)


def _image(picture):
    source = f"data:image/png;base64,{base64.b64encode(picture.png()).decode()}"
    return (f'<img alt="{html.escape(picture.description)}" src="{source}" '
            'style="width: 30rem; max-width: 100%; background: #fff">')

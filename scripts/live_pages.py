"""The directive `live`, which puts an interactive of the package into a page that is no notebook."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from moe_tutorial import interactive


class Live(SphinxDirective):
    """`{live} Name` is the face without a kernel of the interactive of this name."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        if name not in interactive.__all__:
            raise self.error(f"no interactive is called {name!r}, choose one of {', '.join(interactive.__all__)}")
        return [nodes.raw("", getattr(interactive, name)().html(), format="html")]


def setup(app):
    app.add_directive("live", Live)
    return {"parallel_read_safe": True}

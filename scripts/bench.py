"""Speed and weight, measured in one run on one machine: what is compared is compared within the run, as ratios.

    python scripts/bench.py

Prints the engine against a plain loop on one core, the time of an epoch as runs, experts and cases grow, the cost of
computing every expert, the execution time of each chapter, and the weight of the built pages and how soon they are drawn.
"""

import shutil
import subprocess
import time
from pathlib import Path
from statistics import median

import torch
import weight
from execute import ROOT, chapters, executed, run_time
from playwright.sync_api import sync_playwright
from torch import nn

from moe_tutorial import Mixture, costs, fast_train, train, vowel_task
from moe_tutorial.sparse import saving

TASK = vowel_task().train
PAGES = ROOT / "_build" / "html"


class OneMixture(nn.Module):
    """What most people would write first: two linear layers and eq. 1.3, for one run."""

    def __init__(self, experts):
        super().__init__()
        self.experts = nn.Linear(2, experts, dtype=torch.float64)
        self.gate = nn.Linear(2, experts, dtype=torch.float64)

    def forward(self, x):
        return torch.sigmoid(self.experts(x)), torch.softmax(self.gate(x), dim=-1)


def plain_loop(experts, epochs):
    mixture = OneMixture(experts)
    optimizer = torch.optim.SGD(mixture.parameters(), lr=20.0)
    for _ in range(epochs):
        o, p = mixture(TASK.x)
        if ((p * o).sum(-1, keepdim=True) - TASK.d).square().mean() <= 0.001:
            break
        loss = -torch.logsumexp(p.log() - 0.5 * (TASK.d - o) ** 2, dim=-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def engine(runs, experts, epochs, cases=400):
    x, d = (tensor.repeat(-(-cases // 400), 1)[:cases] for tensor in (TASK.x, TASK.d))
    fast_train(Mixture(experts, seed=range(runs)), x, d, step_size=20.0, epochs=epochs, stop_at=0.001)


def readable_train(experts):
    train(Mixture(experts, seed=range(25)), TASK.x, TASK.d, step_size=20.0, epochs=50, record_every=50)


def bench_engine():
    print("\nThe engine against a plain loop, time per epoch and run, 25 runs on 400 cases, one core")
    for experts, wanted in ((4, 20), (8, 10)):
        # Alternately, so that a machine that slows down slows both.
        pairs = [(costs.seconds(plain_loop, experts, 200, at_least=0.2) / 200,
                  costs.seconds(engine, 25, experts, 400, at_least=0.2) / 400 / 25) for _ in range(7)]
        ratio = median(plain / fast for plain, fast in pairs)
        readable = costs.seconds(readable_train, experts) / 50 / 25
        plain = median(plain for plain, _ in pairs)
        print(f"  {experts} experts: {ratio:5.1f} times as fast (wanted: {wanted}); `train` {plain / readable:4.1f} times;"
              f" the plain loop takes {plain * 1e3:.2f} ms")


def bench_growth():
    print("\nTime of an epoch of the engine, as multiples of the first")
    for name, sizes, call in (("runs", (1, 5, 25, 100), lambda n: engine(n, 4, 200)),
                              ("experts", (2, 4, 8, 16), lambda n: engine(25, n, 200)),
                              ("cases", (100, 400, 1600), lambda n: engine(25, 4, 200, n))):
        times = [costs.seconds(call, size) for size in sizes]
        print(f"  {name:8}" + "  ".join(f"{size}: {t / times[0]:.1f}" for size, t in zip(sizes, times)))


def bench_costs():
    print(f"\nEvery expert computed, and only the favourite, as multiples of one expert, of {costs.HIDDEN} hidden units")
    measured = costs.measure()
    one = measured[1]["blend_of_all"]
    for experts, times in measured.items():
        every, favourite = (taken / one for taken in times.values())
        print(f"  {experts:3} experts: all {every:6.1f}   favourite {favourite:5.1f}")


def bench_saving():
    print("\nOne expert of K for each case, by sorting, and every expert, as multiples of one expert for all cases")
    measured = {experts: saving.multiples(saving.measure(saving.calls(saving.LAYERS["large"], experts, 2048)))
                for experts in (4, 16, 64)}
    for experts, times in measured.items():
        print(f"  {experts:3} experts: " + "   ".join(f"{way} {times[way]:g}" for way in times if way != "one expert"))
    print(f"  every expert / sorting at 16: {measured[16]['all'] / measured[16]['groups']:.1f} (wanted: at least 4);"
          f" sorting at 64 / at 4: {measured[64]['groups'] / measured[4]['groups']:.1f} (wanted: at most 3)")


def bench_chapters():
    print("\nExecution of each chapter, beside what its frame promises")
    for path in chapters():
        begun = time.perf_counter()
        notebook = executed(path)
        took = time.perf_counter() - begun
        print(f"  {path.stem:24} {took:5.1f} s   {took / run_time(notebook):.2f} of the promise")


def bench_pages():
    subprocess.run(["make", "book"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        return print("\nNo Chromium on this machine: the weight of the pages was not measured")
    print("\nA first visit: what is sent, in MB, and as a fraction of what may be"
          f" ({weight.CHAPTER / 1e6:g} MB for a chapter,\n{weight.WELCOME / 1e6:g} MB for the welcome page);"
          f" how soon it is drawn with its equations, as a fraction of\n{weight.DRAWN:g} s;"
          " and what is sent when the welcome page was seen before, in MB")
    with weight.served(PAGES) as (here, sent), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page in ["book/intro", *(f"notebooks/{path.stem}" for path in chapters())]:
            took, sums = [], []
            for before in ([], ["book/intro"]):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                tab = context.new_page()
                for other in before:
                    weight.visit(tab, f"{here}{other}.html")
                sent.clear()
                took.append(weight.visit(tab, f"{here}{page}.html"))
                sums.append(sum(sent.values()))
                context.close()
            most = weight.CHAPTER if page.startswith("notebooks/") else weight.WELCOME
            print(f"  {Path(page).name:24} {sums[0] / 1e6:5.2f}   {sums[0] / most:5.2f}   {took[0] / weight.DRAWN:5.2f}"
                  f"   {sums[1] / 1e6:5.2f}")
        browser.close()


def main():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    bench_engine()
    bench_growth()
    bench_costs()
    bench_saving()
    torch.set_num_threads(threads)
    bench_chapters()
    bench_pages()


if __name__ == "__main__":
    main()

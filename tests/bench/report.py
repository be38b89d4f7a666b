# SPDX-License-Identifier: Apache-2.0
"""Figures: ratios within a round, best over best, medians with their range; and the table of them."""

import json
import os
import statistics


class Figures:
    def __init__(self):
        self.rows = []

    def ratio(self, name, metric, rounds, of, to, target, below=True):
        """rounds: list of {variant: value}. `ratio` is best/best; median, min and max are of the rounds' ratios."""
        pairs = [(r[of], r[to]) for r in rounds if r.get(of) and r.get(to)]
        ratios = [a / b for a, b in pairs]
        best = min(a for a, _ in pairs) / min(b for _, b in pairs)
        self.add(name, metric, best, best, ratios, target, best <= target if below else abs(best - 1) <= target)

    def value(self, name, metric, values, target, best=None):
        best = min(values) if best is None else best
        self.add(name, metric, None, best, values, target, best <= target)

    def note(self, name, metric, values):
        """A figure without a target: what the ratios are made of."""
        self.add(name, metric, None, min(values), values, None, True)

    def add(self, name, metric, ratio, best, values, target, ok):
        self.rows.append({"name": name, "metric": metric, "ratio": ratio and round(ratio, 4), "best": round(best, 4),
                          "median": round(statistics.median(values), 4), "min": round(min(values), 4),
                          "max": round(max(values), 4), "n": len(values), "target": target, "ok": bool(ok)})

    def print(self):
        print(f"{'NAME':44} {'METRIC':26} {'BEST':>9} {'MEDIAN':>9} {'MIN':>9} {'MAX':>9} {'N':>4} {'TARGET':>8} OK")
        for r in self.rows:
            print(f"{r['name']:44} {r['metric']:26} {r['best']:9.3f} {r['median']:9.3f} {r['min']:9.3f} {r['max']:9.3f} "
                  f"{r['n']:4} {'' if r['target'] is None else r['target']:>8} "
                  f"{'' if r['target'] is None else 'yes' if r['ok'] else 'NO'}")

    def write(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            json.dump(self.rows, file, indent=1)

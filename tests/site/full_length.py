"""A book with one chapter of full length, the same at every run: what the budget is held against.

About 5,000 words, 400 formulas in the text and 40 displayed, theorems with proofs, fifteen code
cells, six figures, a figure that moves, exercises with folded solutions, tables and references.
"""

import argparse
import random
from pathlib import Path

WORDS = 5_000
INLINE = 400
DISPLAYED = 40
CELLS = 15
FIGURES = 6

# {} is the place of a formula.
SENTENCES = """
The residual {} measures what the model leaves unexplained, and its length is what we make small.
Because the columns of {} are independent, the matrix {} is invertible and the minimum is unique.
A vector {} that is orthogonal to every column is in the null space of the transpose.
Write the singular values in falling order, {}, and keep the first few of them.
The fitted values {} are the projection of the data on the range of the design matrix.
Nothing in the argument used the distribution of the noise, only that its mean is zero.
With a weight {} for each sample, a precise measurement counts more than an imprecise one.
If two columns are nearly parallel, a small change of {} moves {} a long way.
The gradient vanishes exactly where the residual is orthogonal to the columns, and so {} holds.
Take any other parameter {} and expand the square: the mixed term {} is zero.
The condition number {} says how many digits a careless method loses.
We shall meet the same matrix again when the step length of gradient descent has to be chosen.
The trace of the projection is {}, the number of parameters, whatever {} is.
An estimator with a small bias can have a smaller mean squared error than {}.
Here {} is the variance of {}, which we seldom know and usually estimate.
The covariance of the estimator, {}, is large in the directions in which {} says little.
Draw the level sets of the cost: they are ellipses whose axes have lengths in proportion to {}.
For a polynomial of degree {} the design matrix has one column, {}, for each power.
Let us check this with numbers before we go on, since a sign is easily lost.
The same computation with {} in the place of the sample mean gives the unbiased estimate.
When {} the system has more unknowns than equations and infinitely many solutions fit exactly.
Among all of these the pseudoinverse picks the one of least norm, {}.
It is tempting to stop here, but the question that matters is how well new data are predicted.
The step {} is allowed because the logarithm is increasing.
By the chain rule {} is a product of two factors, one for each layer of the composition.
""".strip().splitlines()

FORMULAS = r"""
y - X\theta_{%d}
X \in \mathbb{R}^{n \times %d}
X^{\mathsf{T}} X
u_{%d}
\sigma_1 \ge \dots \ge \sigma_{%d} > 0
\hat{y}_{%d} = X\hat\theta
w_{%d} = 1/s_{%d}^2
\theta_{%d} + \delta
X^{\mathsf{T}}(y - X\theta) = 0
\kappa(X) = \sigma_1/\sigma_{%d}
\operatorname{tr} P = %d
\hat\theta_{%d}
s^2
s^2 (X^{\mathsf{T}} X)^{-1}_{%d%d}
1/\sqrt{\lambda_{%d}}
d = %d
\bar{x}_{%d}
n < p = %d
\lVert \theta_{%d} \rVert_2
\log p(y \mid \theta_{%d})
\frac{\partial C}{\partial \theta_{%d}}
\sum_{i=1}^{%d} r_i^2
\mathbb{E}[\hat\theta_{%d}] = \theta
\alpha_{%d} \approx 0.%d
f(x_{%d})
""".strip().splitlines()

DISPLAYS = r"""
C_{%d}(\theta) = \frac{1}{n} \sum_{i=1}^{n} \bigl( y_i - x_i^{\mathsf{T}} \theta \bigr)^2

X^{\mathsf{T}} X \, \hat\theta_{%d} = X^{\mathsf{T}} y

\begin{aligned}
\lVert y - X\theta \rVert^2
&= \lVert y - X\hat\theta_{%d} \rVert^2 + \lVert X(\hat\theta - \theta) \rVert^2
+ 2 (y - X\hat\theta)^{\mathsf{T}} X (\hat\theta - \theta) \\
&\ge \lVert y - X\hat\theta \rVert^2
\end{aligned}

X = U \Sigma V^{\mathsf{T}} = \sum_{j=1}^{r_{%d}} \sigma_j u_j v_j^{\mathsf{T}}

\operatorname{Cov}(\hat\theta) = s^2_{%d}
\begin{pmatrix} n & \sum_i x_i \\ \sum_i x_i & \sum_i x_i^2 \end{pmatrix}^{-1}

p(y \mid \theta) = \prod_{i=1}^{n} \frac{1}{\sqrt{2\pi s_{%d}^2}}
\exp\left( -\frac{(y_i - x_i^{\mathsf{T}}\theta)^2}{2 s^2} \right)

\mathbb{E}\bigl[(y - \hat y)^2\bigr] = \operatorname{bias}^2 + \operatorname{var} + s_{%d}^2
""".strip().split("\n\n")

FIGURE = """
```{{code-cell}} ipython3
:tags: [hide-input]
:mystnb:
:  image:
:    alt: A blue and an orange curve of slowly growing waves over time, number {number} of its kind.
:  figure:
:    name: fig-full-length-{number}
:    caption: |
:      Two waves that drift apart. The second one, whose frequency is higher by a tenth, is half a
:      period behind at the right edge.
fig, ax = plt.subplots()
t = np.linspace(0, 10, 400)
for k in (1.0, 1.1):
    ax.plot(t, (1 + t / 10) * np.sin(k * t + {number}), label=f"frequency {{k}}")
ax.plot(t[::40], np.cos(t[::40]), "o", label="samples")
ax.set(xlabel="time in s", ylabel=r"amplitude $a(t)$")
ax.legend();
```
"""

CELL = """
```{{code-cell}} ipython3
rng = np.random.default_rng({seed})
X = np.column_stack([np.ones(20), rng.normal(size=(20, 2))])
y = X @ [1.0, 2.0, -1.0] + 0.1 * rng.normal(size=20)
theta, residual, rank, singular_values = np.linalg.lstsq(X, y, rcond=None)
print("theta =", theta.round(3), " rank =", rank)  # the parameters that were put in: 1, 2, -1
theta @ theta
```
"""

THEOREM = """
````{{prf:theorem}} The {ordinal} projection
:label: thm-full-length-{number}
Let ${first}$ have independent columns. Then the minimum is attained at one point only, and

$$
{display}
$$ (eq-full-length-theorem-{number})

holds there with ${second}$.
````

````{{prf:proof}}
Expand the square around the solution. The mixed term vanishes by the orthogonality of the
residual, and ${first}$ gives

$$
{display}
$$ (eq-full-length-proof-{number})

which is at least as large for every other parameter.
````
"""

EXERCISE = """
````{{exercise}} A question of rank
:label: exercise-full-length-{number}
Show that ${first}$ has the same null space as ${second}$.
````

````{{solution}} exercise-full-length-{number}
:label: exercise-full-length-{number}-solution
:class: dropdown
If ${first}$ annihilates a vector, so does ${second}$; multiply from the left for the converse.
````
"""

EXTRAS = """
## Tables, notes and long lines

| method | floating-point operations | loses | use |
|:--|--:|:--|:--|
| normal equations | $n p^2 + p^3/3$ | $\\kappa^2$ | small, well conditioned problems |
| QR | $2 n p^2$ | $\\kappa$ | the default |
| SVD | $2 n p^2 + 11 p^3$ | $\\kappa$ | when the rank is in doubt |

```{note}
A note stands beside the argument and may be skipped[^first].
```

```{tip}
Scale the columns before you compare their coefficients.
```

```{warning}
Never invert a matrix in order to solve a system.
```

```{admonition} What we have assumed
:class: dropdown
Nothing but independent columns, and [a link](https://example.org/) that nobody follows.
```

[^first]: The word is used here as in {cite}`GolubVanLoan2013`.

> A quotation, set apart from the text that it belongs to.

1. First a list with numbers,
2. then {eq}`eq-full-length-1`, {prf:ref}`thm-full-length-1`,
   {ref}`exercise-full-length-1` and {numref}`fig-full-length-1`.

$$
\\underbrace{a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8}_{\\text{eight terms}} + \
\\underbrace{b_1 + b_2 + b_3 + b_4 + b_5 + b_6 + b_7 + b_8}_{\\text{eight more}} + c_1 + c_2 + c_3
$$ (eq-full-length-wide)

```python
print("a line of code that is too long for a telephone and for the column of the text as well", 1)
```

```{bibliography}
:filter: docname in docnames
```
"""

WIDGET = """
```{code-cell} ipython3
:tags: [hide-input]
:mystnb:
:  figure:
:    name: fig-full-length-widget
:    caption: Drag a point, and the line follows it in proportion to its weight.
from dlmath.interactive import DragFit

DragFit(np.arange(8.0), np.arange(8.0) + np.sin(np.arange(8.0)), np.full(8, 0.5),
        alt="Eight points with error bars near a rising straight line with a narrow band.")
```
"""

FRONT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter of full length

```{code-cell} ipython3
import matplotlib.pyplot as plt
import numpy as np

%config InlineBackend.figure_formats = ["svg"]
plt.style.use("dlmath.book")
```
"""

REFERENCES = """
@book{GolubVanLoan2013,
  author = {Golub, Gene H. and Van Loan, Charles F.},
  title = {Matrix Computations}, edition = {4},
  publisher = {Johns Hopkins University Press}, year = {2013}
}
"""


class Chapter:
    """Writes the chapter piece by piece, from one seeded source of chance."""

    def __init__(self, seed: int, words: int) -> None:
        self.random = random.Random(seed)
        self.words = words
        self.formulas = 0

    def fill(self, template: str) -> str:
        """Give each %d a number."""
        count = template.count("%d")
        return template % tuple(self.random.randint(1, 9) for _ in range(count))

    def formula(self) -> str:
        self.formulas += 1
        return self.fill(self.random.choice(FORMULAS))

    def sentence(self, with_formulas: bool) -> str:
        choice = self.random.choice([s for s in SENTENCES if with_formulas == ("{}" in s)])
        parts = choice.split("{}")
        filled = [f"{part}${self.formula()}$" for part in parts[:-1]]
        return "".join(filled) + parts[-1]

    def paragraph(self, with_formulas: bool) -> str:
        return "\n".join(self.sentence(with_formulas) for _ in range(self.random.randint(3, 6)))

    def display(self, number: int) -> str:
        return f"$$\n{self.fill(self.random.choice(DISPLAYS))}\n$$ (eq-full-length-{number})"

    def theorem(self, number: int) -> str:
        return THEOREM.format(
            number=number,
            ordinal=("first", "second", "third", "fourth")[number - 1],
            first=self.formula(),
            second=self.formula(),
            display=self.fill(DISPLAYS[number % 2]),
        )

    def exercise(self, number: int) -> str:
        return EXERCISE.format(number=number, first=self.formula(), second=self.formula())

    def text(self, with_widget: bool) -> str:
        """Return the whole chapter."""
        pieces = [FRONT, self.paragraph(True)]
        words = figures = cells = displays = 0
        while words < self.words:
            section = len([p for p in pieces if p.startswith("## ")]) + 1
            if words >= self.words / 8 * (section - 1):
                pieces.append(f"## Section {section}: what the residual knows")
                if section <= 4:
                    pieces.append(self.theorem(section))
                if section <= 5:
                    pieces.append(self.exercise(section))
            if len(pieces) % 9 == 0:
                pieces.append("### A closer look at the projection")
            paragraph = self.paragraph(self.formulas < INLINE)
            words += len(paragraph.split())
            pieces.append(paragraph)
            if displays < (DISPLAYED - 9) * words / WORDS:
                displays += 1
                pieces.append(self.display(displays))
            if cells < (CELLS - FIGURES) * words / WORDS:
                cells += 1
                pieces.append(CELL.format(seed=cells))
            if figures < FIGURES * words / WORDS:
                figures += 1
                pieces.append(FIGURE.format(number=figures))
        if with_widget:
            pieces.append(WIDGET)
        return "\n\n".join([*pieces, EXTRAS])


def write(folder: Path, config: Path, with_widget: bool = True, words: int = WORDS) -> None:
    """Write the book: this chapter, a front page and a short page, with the real settings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_config.yml").write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n"
        "  - caption: Linear models\n    numbered: 1\n    chapters:\n      - file: full-length\n"
        "      - file: short\n  - caption: Networks\n    chapters:\n      - file: other\n",
        encoding="utf-8",
    )
    (folder / "index.md").write_text("# A book\n\nIts front page.\n", encoding="utf-8")
    for name, title in (("short", "A short page"), ("other", "Another page of $f(x)$")):
        text = f"# {title}\n\nOne paragraph with a rare word: heteroscedasticity.\n"
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / "references.bib").write_text(REFERENCES, encoding="utf-8")
    chapter = Chapter(1, words).text(with_widget)
    (folder / "full-length.md").write_text(chapter, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without-widget", action="store_true")
    arguments = parser.parse_args()
    settings = Path(__file__).parents[2] / "_config.yml"
    write(arguments.folder, settings, with_widget=not arguments.without_widget)

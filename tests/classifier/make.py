"""Writes probabilities.in: what scikit-learn's LogisticRegression gives for the rows of the test
`the_minimum_is_that_of_scikit_learn` (src/analysis/classifier/tests.rs).

    pip install numpy scikit-learn
    python make.py
"""

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

rows = np.array([[3.0, 1.0], [2.0, 0.5], [1.0, 2.0], [0.5, 3.0], [-1.0, 1.5], [-2.0, 0.5], [2.0, 1.9]])
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
targets = [0, 0, 1, 1, 2, 2, 1]
probe = LogisticRegression(C=10.0, tol=1e-8, max_iter=10_000).fit(rows, targets)
lines = ["    [" + ", ".join(f"{p:.6f}" for p in row) + "]," for row in probe.predict_proba(rows)]
(Path(__file__).parent / "probabilities.in").write_text("[\n" + "\n".join(lines) + "\n]\n")

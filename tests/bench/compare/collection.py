"""What the comparisons of analyses share: a folder's pictures as vectors with their sub-folders, and answers of the bench.

numpy is imported by whoever calls, after `common.enter()`.
"""
import pathlib
import sqlite3
import subprocess
import tempfile

import common


def vectors_of(lookalike, folder):
    """The stored embeddings of a folder's pictures as lookalike indexes them now, and the sub-folder of each."""
    import numpy as np

    with tempfile.TemporaryDirectory() as cache:
        subprocess.run([lookalike, "index", folder, "--cache-dir", cache], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        (store,) = pathlib.Path(cache).iterdir()
        with sqlite3.connect(store / "records.sqlite") as db:
            rows = db.execute("SELECT row, path FROM images WHERE gone IS NULL ORDER BY row").fetchall()
        (file,) = store.glob("vectors-*.f16")
        raw = np.fromfile(file, dtype="<u1")
        dim = int(raw[8:12].view("<u4")[0])
        values = raw[64:].view("<f2").reshape(-1, dim)
        vectors = values[[row for row, _ in rows]].copy()
    labels = [path.split(b"/")[0].decode(errors="replace") if b"/" in path else "" for _, path in rows]
    return vectors, np.array(labels)


def unit(vectors):
    """The vectors divided by their lengths, in float32."""
    import numpy as np

    vectors = vectors.astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def bench():
    """The bench `analysis`, built."""
    built = subprocess.run(
        ["cargo", "bench", "--locked", "--no-run", "--no-default-features", "--bench", "analysis"],
        cwd=common.ROOT, check=True, capture_output=True, text=True,
    )
    name = built.stderr.rsplit("Executable", 1)[1].split("(")[1].split(")")[0]
    return common.ROOT / name


class Analysis:
    """The bench at work on some vectors: `ask` gives the seconds that an answer took, and a value a row."""

    def __init__(self, program, vectors):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(vectors.astype("<f2").tobytes())
        self.file.flush()
        self.process = subprocess.Popen(
            [program, self.file.name, str(vectors.shape[1])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.file.close()

    def ask(self, *words):
        """What one line of the bench's input comes to."""
        import numpy as np

        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        return float(answer[0]), np.array(answer[1:], dtype=np.float64)

# SPDX-License-Identifier: Apache-2.0
"""Which files belong to the project."""

import os
import pathlib
import subprocess

NOT_OURS = {"node_modules", "build", "__pycache__"}


def below(root, folder, *endings):
    """Paths relative to `root` of the files below `folder` with one of the endings, in order; tracked or not."""
    found = []
    for path, folders, files in os.walk(root / folder):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        found += [str((pathlib.Path(path) / name).relative_to(root)) for name in files if name.endswith(endings)]
    return sorted(found)


def tracked(root, *patterns):
    """Tracked files that are there and are files, by git's patterns."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", *patterns], cwd=root, check=True, stdout=subprocess.PIPE)
    paths = [path.decode() for path in listed.stdout.split(b"\0") if path]
    return [path for path in paths if (root / path).is_file() and not (root / path).is_symlink()]

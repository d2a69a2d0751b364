# SPDX-License-Identifier: GPL-2.0-or-later
"""The scripts of this folder, of which one uses what another one has."""
import importlib.machinery
import importlib.util
import os


def load(name):
    """A script as a module. Its tests are not those of who loads it, so they are forgotten."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    getattr(module, "RUN", module).TESTS.clear()
    return module

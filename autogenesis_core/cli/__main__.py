"""`python -m autogenesis_core.cli`."""

import sys

from autogenesis_core.cli import main

sys.exit(main())

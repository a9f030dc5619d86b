"""``python -m flights_demo``."""

import sys

from flights_demo.demo import main

sys.exit(main())

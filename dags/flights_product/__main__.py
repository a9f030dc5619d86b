"""``python -m flights_product PATH`` builds the warehouse at PATH."""

import sys
from pathlib import Path

from flights_product.warehouse import build

if len(sys.argv) != 2:
    sys.exit("usage: python -m flights_product PATH")
sys.stdout.write(f"{build(Path(sys.argv[1]))}\n")

"""`python -m api.cli worker`: how the supervisor starts the house's own processes."""

from api.cli import main

main()

# Two commands are all that is needed: `make demo` and `make test`. Each sets up what it needs.
# Arguments: make demo ARGS="--drill over-depth". Without make: py bootstrap.py demo --drill over-depth
# PYTHON is the first of these that is new enough; paths are relative, so that the checkout may lie
# in a folder with spaces.
OK     = -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do $$p $(OK) && echo $$p && exit; done; echo python3)

TARGETS = demo setup test check mutants planted evidence trace bench lock

.PHONY: $(TARGETS) clean

$(TARGETS): ; @$(PYTHON) bootstrap.py $@ $(ARGS)
clean: ; @rm -rf .venv .venv-test .*_cache .coverage .hypothesis build && find . -name __pycache__ -prune -exec rm -rf {} +

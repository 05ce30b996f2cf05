"""Memory that the fork server has, and every child with it: imported by the server alone."""
import os

memory = b"x" * (int(os.environ["FORKBENCH_PRELOAD_MIB"]) << 20)

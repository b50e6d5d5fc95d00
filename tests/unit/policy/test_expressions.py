import subprocess
import sys

CHECK = """
import sys
from steersman.policy.engine import Policy
assert "cel" in sys.modules
assert not {"cel.cli", "prompt_toolkit"} & set(sys.modules)
import cel.cli
assert cel.cli.__file__
"""


def test_the_command_line_of_cel_is_not_loaded_with_policy_and_can_be_loaded_after_it() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

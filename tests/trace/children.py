"""Child processes for the tests of what survives one."""

import os
import signal


def killed(work):
    """Do some work in a child process, which is then killed by SIGKILL if it has not been yet."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:  # whatever happened: a child never goes on with the tests of its parent
            kill_oneself()
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def kill_oneself():
    """End this process as nothing can be done about."""
    os.kill(os.getpid(), signal.SIGKILL)

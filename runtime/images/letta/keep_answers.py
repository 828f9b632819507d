"""Keeps Letta 0.16.8 from acknowledging a turn that it could not write down. Usage: keep_answers.py SITE_PACKAGES

A step counts as finished before its messages are written, and what fails after a finished step is dropped without a word
(a `return` in a `finally`): if the database fails in between, the caller gets the answer with 200, and the agent
knows nothing of it afterwards. Here the step is finished when its messages are written.
"""

import sys
from pathlib import Path

from close_tools import change

FINISHED = '            step_progression, step_metrics = await self._step_checkpoint_finish(step_metrics, agent_step_span, logged_step)\n'
WRITTEN = '''            await self._checkpoint_messages(
                run_id=run_id,
                step_id=step_id,
                new_messages=input_messages_to_persist + new_messages,
                in_context_messages=messages,  # update the in-context messages
            )
'''

if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: keep_answers.py SITE_PACKAGES')
    change(Path(sys.argv[1]), [('agents/letta_agent_v3.py', FINISHED + WRITTEN, WRITTEN + FINISHED)])

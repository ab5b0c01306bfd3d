"""Every board, in the order in which they link to each other."""

from typing import Final

from deploy.grafana.board import Board
from deploy.grafana.conversation import CONVERSATION_BOARD
from deploy.grafana.operations import OPERATIONS
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.safety import SAFETY

BOARDS: Final[tuple[Board, ...]] = (OVERVIEW, SAFETY, OPERATIONS, CONVERSATION_BOARD)

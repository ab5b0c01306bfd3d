"""Every board, in the order in which they link to each other."""

from typing import Final

from deploy.grafana.board import Board
from deploy.grafana.conversation import CONVERSATION_BOARD
from deploy.grafana.drift import DRIFT
from deploy.grafana.operations import OPERATIONS
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.quality import QUALITY
from deploy.grafana.safety import SAFETY

BOARDS: Final[tuple[Board, ...]] = (OVERVIEW, SAFETY, QUALITY, DRIFT, OPERATIONS, CONVERSATION_BOARD)

"""What is served: the predictors, their domains, scores and cards."""

from fastapi import APIRouter, Response

from app.api_description import REFUSALS
from app.service import Serving
from metagauge.contract import PredictorSummary

router = APIRouter(prefix="/predictors", tags=["predictors"], responses=REFUSALS)


@router.get("")
async def list_predictors(service: Serving) -> tuple[PredictorSummary, ...]:
    """All predictors, by name."""
    return service.catalog.summaries()


@router.get("/{name}")
async def get_predictor(service: Serving, name: str) -> PredictorSummary:
    """One predictor."""
    return service.catalog.find(name).summary


@router.get("/{name}/card", response_class=Response)
async def get_card(service: Serving, name: str) -> Response:
    """The predictor's model card, as Markdown."""
    return Response(service.catalog.find(name).card, media_type="text/markdown; charset=utf-8")

"""A small assistant: one endpoint that answers questions about uploaded documents."""

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

from app import llm, settings

app = FastAPI(title="assistant")
oauth2 = OAuth2PasswordBearer(tokenUrl=settings.TOKEN_URL)


class Question(BaseModel):
    text: str
    password: str | None = None


@app.post("/ask")
async def ask(question: Question, token: str = Depends(oauth2)) -> dict[str, str]:
    if not token:
        raise HTTPException(status_code=401, detail="no token")
    return {"answer": await llm.answer(question.text)}

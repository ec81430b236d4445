"""The model behind the service."""

from openai import AsyncOpenAI

from app import settings

client = AsyncOpenAI(api_key=settings.OPENAI_API_KEY)


async def answer(question: str) -> str:
    response = await client.responses.create(model="gpt-4.1-mini", input=question)
    return response.output_text

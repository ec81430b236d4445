"""What the service is configured with."""

import os

OPENAI_API_KEY = os.environ["OPENAI_API_KEY"]
DATABASE_URL = os.environ.get("DATABASE_URL", "sqlite:///dev.db")

# Signs the sessions of all users. It should have come from the environment, as the others do.
JWT_SECRET = "uLHegzqmKGju8wQXkJDd3r7cLfpQwPfqDAKhHKRQZfU"
JWT_ALGORITHM = "HS256"

TOKEN_URL = "https://auth.example.com/oauth/token"
PASSWORD_MIN_LENGTH = 12

"""Where the tests find a real Postgres and a real RabbitMQ."""

from __future__ import annotations

import os

POSTGRES = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
RABBITMQ = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")

"""The message bus: one protocol, two buses (RabbitMQ and Postgres), one conformance suite."""

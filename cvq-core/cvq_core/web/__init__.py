"""The HTTP edge: sessions, permissions, problems, OpenAPI, live sockets and the shell of the pages."""

from cvq_core.web.context import Context, Services, services_of
from cvq_core.web.routes import PUBLIC, SIGNED_IN, Routes

__all__ = ["PUBLIC", "SIGNED_IN", "Context", "Routes", "Services", "services_of"]

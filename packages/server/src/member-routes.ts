import { type ConfigurationChange, SynodError } from "@synod/node";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Backend, problemBody } from "./key-requests.ts";
import { withChanges, withMember, withoutMember, withReplaced } from "./member-change.ts";
import { memberList } from "./member-list.ts";
import { type Problem, refusal, synodProblem } from "./problem.ts";
import { readOptions } from "./request-headers.ts";

const BODY_BYTES_MAX = 4_096;
const PATH = "/_synod/members";
/** A change may have to wait until a newcomer has fetched the whole state. */
export const CHANGE_DEADLINE_MS_MAX = 600_000;
/** Beyond the deadline, for the answer. */
const ANSWER_MS = 10_000;

/** Who the members are, and changes of that. A change is answered once it is chosen. */
export function addMemberRoutes(server: FastifyInstance, backend: Backend): void {
  // In a scope of its own: nowhere else does a body mean anything to fastify.
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    const asText = { parseAs: "string", bodyLimit: BODY_BYTES_MAX } as const;
    scope.addContentTypeParser("*", asText, (_request, body, done) => done(null, body));
    scope.setErrorHandler((error: { readonly statusCode?: number }, _request, reply) =>
      (error.statusCode ?? 500) < 500
        ? sendProblem(reply, refusal("bad-body", `a body has at most ${BODY_BYTES_MAX} bytes`))
        : sendProblem(reply, refusal("internal", "this node failed to answer")),
    );
    scope.get(PATH, (_request, reply) =>
      reply.header("cache-control", "no-store").send(memberList(backend.status())),
    );
    scope.post(PATH, (request, reply) =>
      perform(backend, request, reply, withMember(backend.status(), textOf(request))),
    );
    scope.patch(PATH, (request, reply) =>
      perform(backend, request, reply, withChanges(backend.status(), textOf(request))),
    );
    scope.put<{ Params: { id: string } }>(`${PATH}/:id`, (request, reply) => {
      const id = nodeId(request.params.id);
      const status = backend.status();
      return perform(backend, request, reply, withReplaced(status, id, textOf(request)));
    });
    scope.delete<{ Params: { id: string } }>(`${PATH}/:id`, (request, reply) =>
      perform(backend, request, reply, withoutMember(backend.status(), nodeId(request.params.id))),
    );
  });
}

/** Nothing that is no number is anybody's. */
function nodeId(text: string): number {
  return /^\d{1,5}$/.test(text) ? Number(text) : -1;
}

function textOf(request: FastifyRequest): string {
  return typeof request.body === "string" && request.body !== "" ? request.body : "{}";
}

async function perform(
  backend: Backend,
  request: FastifyRequest,
  reply: FastifyReply,
  change: ConfigurationChange | Problem,
): Promise<FastifyReply> {
  if ("code" in change) return sendProblem(reply, change);
  const options = readOptions(request.headers, CHANGE_DEADLINE_MS_MAX);
  if (typeof options === "string") return sendProblem(reply, refusal("bad-header", options));
  try {
    // It may be silent for longer than any connection else.
    request.raw.socket.setTimeout(options.deadlineMs + ANSWER_MS);
    const { position } = await backend.reconfigure(change, { deadlineMs: options.deadlineMs });
    // Not always the next one: another may lie between. It is in force here, or about to be.
    const { configuration, membership } = backend.status();
    const number = configuration + (membership.stopping ? 1 : 0);
    return reply.send({ configuration: number, began: position.index });
  } catch (error) {
    return sendProblem(reply, synodProblem(SynodError.from(error)));
  }
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type("application/json").send(problemBody(problem));
}

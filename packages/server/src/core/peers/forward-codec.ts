import { asZxid, type Identity, type Refusal, type WriteRequest, type Zxid } from '@zabra/model';
import {
  type AnsweredRequest,
  decodeAnsweredRequest,
  decodeForwardedRequest,
  encodeAnsweredRequest,
  encodeForwardedRequest,
  type ForwardedRequest,
} from '@zabra/proto';
import {
  refusalToModel,
  refusalToShape,
  writeOperationToModel,
  writeOperationToShape,
} from '../model-codec.ts';

/** What a server asks its leader for. The leader takes its own clients' requests in the same form, unencoded. */
export type Forwarded =
  | WriteRequest
  | {
      readonly kind: 'createSession';
      readonly sessionId: number;
      readonly timeoutMs: number;
      readonly passwordHash: Uint8Array;
      readonly nonce: string;
      readonly attempt: number;
      /** Whom its client has proved to be. */
      readonly identities: readonly Identity[];
    }
  /** Confirm or take over a session, with the number of the client's stream. */
  | {
      readonly kind: 'attach';
      readonly sessionId: number;
      readonly nonce: string;
      readonly attempt: number;
      readonly identities: readonly Identity[];
    }
  /** The client of a session that is attached here is someone more now: stands for the writes behind it. */
  | ({ readonly kind: 'identities'; readonly identities: readonly Identity[] } & Claim)
  | { readonly kind: 'closeSession'; readonly sessionId: number }
  /** Sessions heard; answered once a quorum confirmed the leader after it knew. */
  | { readonly kind: 'touches'; readonly number: number; readonly sessionIds: readonly number[] };

/** Which stream of which client asks for a session. */
export interface Claim {
  readonly sessionId: number;
  readonly nonce: string;
  readonly attempt: number;
}

/** The leader's word on a request that it does not simply order. */
export type Answered =
  /** The write happened before: its result is in the table once `zxid` is applied. */
  | { readonly kind: 'stored'; readonly sessionId: number; readonly requestNo: number; readonly zxid: Zxid }
  | {
      readonly kind: 'refused';
      readonly sessionId: number;
      readonly requestNo: number;
      readonly refusal: Refusal;
    }
  /** True once `zxid` is applied. */
  | ({ readonly kind: 'attached'; readonly zxid: Zxid } & Claim)
  | ({ readonly kind: 'sessionRefused'; readonly refusal: Refusal } & Claim)
  | { readonly kind: 'moved'; readonly sessionId: number }
  /** `refused`: sessions that are over or elsewhere, whose heartbeats must not be acknowledged. */
  | { readonly kind: 'touched'; readonly number: number; readonly refused: readonly number[] };

export function encodeForwarded(request: Forwarded): Uint8Array {
  return encodeForwardedRequest(forwardedShape(request));
}

export function decodeForwarded(bytes: Uint8Array): Forwarded {
  const shape = decodeForwardedRequest(bytes);
  switch (shape.kind) {
    case 'write':
      return {
        kind: 'write',
        sessionId: shape.write.sessionId,
        nonce: shape.write.nonce,
        requestNo: shape.write.requestNo,
        answeredThrough: shape.write.answeredThrough,
        operation: writeOperationToModel(shape.write),
      };
    case 'createSession':
      return { kind: 'createSession', ...shape.createSession };
    case 'attach':
      return { kind: 'attach', ...shape.attach };
    case 'closeSession':
      return { kind: 'closeSession', ...shape.closeSession };
    case 'touches':
      return { kind: 'touches', ...shape.touches };
    case 'identities':
      return { kind: 'identities', ...shape.identities };
  }
}

export function encodeAnswered(answer: Answered): Uint8Array {
  return encodeAnsweredRequest(answeredShape(answer));
}

export function decodeAnswered(bytes: Uint8Array): Answered {
  const shape = decodeAnsweredRequest(bytes);
  switch (shape.kind) {
    case 'write': {
      const { sessionId, requestNo } = shape.write;
      return shape.write.kind === 'stored'
        ? { kind: 'stored', sessionId, requestNo, zxid: asZxid(shape.write.stored.zxid) }
        : { kind: 'refused', sessionId, requestNo, refusal: refusalToModel(shape.write.refused) };
    }
    case 'session': {
      const { sessionId, nonce, attempt } = shape.session;
      const claim: Claim = { sessionId, nonce, attempt };
      return shape.session.kind === 'attached'
        ? { kind: 'attached', ...claim, zxid: asZxid(shape.session.attached.zxid) }
        : { kind: 'sessionRefused', ...claim, refusal: refusalToModel(shape.session.refused) };
    }
    case 'moved':
      return { kind: 'moved', sessionId: shape.moved.sessionId };
    case 'touched':
      return { kind: 'touched', number: shape.touched.number, refused: shape.touched.refused };
  }
}

function forwardedShape(request: Forwarded): ForwardedRequest {
  switch (request.kind) {
    case 'write':
      return {
        kind: 'write',
        write: {
          sessionId: request.sessionId,
          nonce: request.nonce,
          requestNo: request.requestNo,
          answeredThrough: request.answeredThrough,
          ...writeOperationToShape(request.operation),
        },
      };
    case 'createSession':
      return { kind: 'createSession', createSession: request };
    case 'attach':
      return { kind: 'attach', attach: request };
    case 'closeSession':
      return { kind: 'closeSession', closeSession: request };
    case 'touches':
      return { kind: 'touches', touches: request };
    case 'identities':
      return { kind: 'identities', identities: request };
  }
}

function answeredShape(answer: Answered): AnsweredRequest {
  switch (answer.kind) {
    case 'stored': {
      const { sessionId, requestNo, zxid } = answer;
      return { kind: 'write', write: { sessionId, requestNo, kind: 'stored', stored: { zxid } } };
    }
    case 'refused': {
      const { sessionId, requestNo, refusal } = answer;
      return {
        kind: 'write',
        write: { sessionId, requestNo, kind: 'refused', refused: refusalToShape(refusal) },
      };
    }
    case 'attached': {
      const { sessionId, nonce, attempt, zxid } = answer;
      return {
        kind: 'session',
        session: { sessionId, nonce, attempt, kind: 'attached', attached: { zxid } },
      };
    }
    case 'sessionRefused': {
      const { sessionId, nonce, attempt } = answer;
      const refused = refusalToShape(answer.refusal);
      return { kind: 'session', session: { sessionId, nonce, attempt, kind: 'refused', refused } };
    }
    case 'moved':
      return { kind: 'moved', moved: { sessionId: answer.sessionId } };
    case 'touched':
      return { kind: 'touched', touched: { number: answer.number, refused: answer.refused } };
  }
}

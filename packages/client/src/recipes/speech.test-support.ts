/**
 * What goes over a wire, word by word, for whoever strikes one of them: of Zabra's own, a frame has several; of
 * ZooKeeper's, a frame is one, and comes in pieces.
 */

import {
  decodeConnectResponse,
  JuteReader,
  OPCODE,
  readReplyHeader,
  readRequestHeader,
  XID,
} from '@zabra/jute';
import {
  type ClientEntry,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  type ServerEntry,
} from '@zabra/proto';
import { FrameReader } from '../tcp-env.ts';

/** By a client. */
export interface Said {
  readonly word: ClientEntry | Uint8Array;
  /** Of a request that somebody made, or that one made needs: its number. */
  readonly request: number | undefined;
  /** The server says something back. */
  readonly isAnswered: boolean;
}

/** From a server. */
export interface Heard {
  readonly word: ServerEntry | Uint8Array;
  /** The number of the request that it replies to. */
  readonly reply: number | undefined;
  /** To anything, a heartbeat included. */
  readonly isAnswer: boolean;
}

/** Of one stream. */
export interface Speech {
  said(frame: Uint8Array): readonly Said[];
  heard(frame: Uint8Array): readonly Heard[];
  say(words: readonly Said[], send: (frame: Uint8Array) => void): void;
  tell(words: readonly Heard[], frame: (frame: Uint8Array) => void): void;
}

export function zabraSpeech(): Speech {
  return {
    // Read before it is let go: the sender may use its buffer again.
    said: (frame) =>
      decodeClientFrame(frame.slice()).entries.map((word) => ({
        word,
        request: word.kind === 'request' ? word.request.xid : undefined,
        isAnswered: word.kind !== 'rearm',
      })),
    heard: (frame) =>
      decodeServerFrame(frame).entries.map((word) => ({
        word,
        reply: word.kind === 'reply' ? word.reply.xid : undefined,
        isAnswer: word.kind !== 'event',
      })),
    say: (words, send) => {
      send(encodeClientFrame({ entries: words.map(({ word }) => word as ClientEntry) }));
    },
    tell: (words, frame) => {
      frame(encodeServerFrame({ entries: words.map(({ word }) => word as ServerEntry) }));
    },
  };
}

export function zooKeeperSpeech(): Speech {
  const pieces = new FrameReader();
  let isFirst = true;
  let isFirstHeard = true;
  return {
    said: (piece) => {
      const said: Said[] = [];
      pieces.read(piece.slice(), (word) => {
        // The first frame of a stream has no number.
        said.push({ word, request: isFirst ? undefined : askedFor(word), isAnswered: true });
        isFirst = false;
      });
      return said;
    },
    heard: (word) => {
      if (isFirstHeard) {
        isFirstHeard = false;
        decodeConnectResponse(word);
        return [{ word, reply: undefined, isAnswer: true }];
      }
      const { xid } = readReplyHeader(new JuteReader(word));
      return [{ word, reply: xid > 0 ? xid : undefined, isAnswer: xid !== XID.notification }];
    },
    say: (words, send) => {
      for (const { word } of words) {
        const bytes = word as Uint8Array;
        const length = Buffer.alloc(4);
        length.writeInt32BE(bytes.length);
        send(length);
        send(bytes);
      }
    },
    tell: (words, frame) => {
      for (const { word } of words) frame(word as Uint8Array);
    },
  };
}

/** Undefined for what a connection asks by itself: pings, watches set again, and syncs of the whole tree. */
function askedFor(word: Uint8Array): number | undefined {
  const reader = new JuteReader(word);
  const { xid, opcode } = readRequestHeader(reader);
  if (xid <= 0 || (opcode === OPCODE.sync && reader.ustring('path') === '/')) return undefined;
  return xid;
}

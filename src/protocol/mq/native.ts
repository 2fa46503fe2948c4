// Requests and responses in our own dialect, as msgpack arrays in frames. The fields are those of
// the tables in apis.ts; the hot apis are encoded and decoded by hand.
//
//   request   [correlationId, api, ...fields]
//   response  [correlationId, nil, ...fields]  or  [correlationId, failure]
//
// Responses are sent as they become ready, in any order; a produce with acks 0 has none. A failure
// in place of the fields concerns the request as a whole: each of its parts has its own outcome.
// docs/broker-protocol.md lists the fields. Next on the path: broker/api/dispatch.ts.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { readPlains, writePlains } from '../plain.ts'
import { type ApiName, type MqRequest, type MqResponse, requests, responses } from './apis.ts'
import { readError, writeError } from './by-hand.ts'
import type { BrokerError } from './error-codes.ts'
import {
  readFetchRequest,
  readFetchResponse,
  writeFetchRequest,
  writeFetchResponse,
} from './fetch.ts'
import { type Failure, failureOf } from './messages.ts'
import {
  readProduceRequest,
  readProduceResponse,
  writeProduceRequest,
  writeProduceResponse,
} from './produce.ts'
import {
  readReplicaFetchRequest,
  readReplicaFetchResponse,
  writeReplicaFetchRequest,
  writeReplicaFetchResponse,
} from './replica-fetch.ts'

// --- requests ------------------------------------------------------------------------------------

export function encodeMqRequest(
  out: MsgpackWriter,
  correlationId: number,
  request: MqRequest,
): void {
  out.arrayHeader(2 + requests.fieldCount(request.type))
  out.int(correlationId)
  out.int(requests.code(request.type))
  switch (request.type) {
    case 'produce':
      writeProduceRequest(out, request)
      return
    case 'fetch':
      writeFetchRequest(out, request)
      return
    case 'replicaFetch':
      writeReplicaFetchRequest(out, request)
      return
  }
  writePlains(out, requests.pack(request))
}

/** `request` undefined: the api is unknown, and the answer is UNSUPPORTED_VERSION. */
export interface DecodedMqRequest {
  readonly correlationId: number
  readonly request: MqRequest | undefined
}

/** Bytes in the request are views of the frame. */
export function decodeMqRequest(reader: MsgpackReader): DecodedMqRequest {
  const fieldCount = reader.arrayHeader() - 2
  const correlationId = reader.natural('the correlation id')
  const type = requests.type(reader.int())
  if (type === undefined) return { correlationId, request: undefined }
  checkFieldCount(`${type} request`, fieldCount, requests.fieldCount(type))
  const request = readRequest(reader, type, fieldCount)
  reader.expectEnd()
  return { correlationId, request }
}

function readRequest(reader: MsgpackReader, type: ApiName, fieldCount: number): MqRequest {
  switch (type) {
    case 'produce':
      return readProduceRequest(reader)
    case 'fetch':
      return readFetchRequest(reader)
    case 'replicaFetch':
      return readReplicaFetchRequest(reader)
  }
  return requests.unpack(type, readPlains(reader, fieldCount))
}

// --- responses -----------------------------------------------------------------------------------

export function encodeMqResponse(
  out: MsgpackWriter,
  correlationId: number,
  response: MqResponse,
): void {
  out.arrayHeader(2 + responses.fieldCount(response.type))
  out.int(correlationId)
  out.nil()
  switch (response.type) {
    case 'produce':
      writeProduceResponse(out, response)
      return
    case 'fetch':
      writeFetchResponse(out, response)
      return
    case 'replicaFetch':
      writeReplicaFetchResponse(out, response)
      return
  }
  writePlains(out, responses.pack(response))
}

export function encodeMqError(out: MsgpackWriter, correlationId: number, error: BrokerError): void {
  out.arrayHeader(2)
  out.int(correlationId)
  writeError(out, failureOf(error))
}

export interface ResponseHeader {
  readonly correlationId: number
  /** undefined: the fields follow, for `decodeMqResponse` to read */
  readonly error: Failure | undefined
  readonly fieldCount: number
}

export function decodeResponseHeader(reader: MsgpackReader): ResponseHeader {
  const fieldCount = reader.arrayHeader() - 2
  const correlationId = reader.natural('the correlation id')
  return { correlationId, error: readError(reader), fieldCount }
}

/** Reads the fields after `decodeResponseHeader`. Only records for a follower are views of the frame. */
export function decodeMqResponse(
  reader: MsgpackReader,
  type: ApiName,
  fieldCount: number,
): MqResponse {
  checkFieldCount(`${type} response`, fieldCount, responses.fieldCount(type))
  const response = readResponse(reader, type, fieldCount)
  reader.expectEnd()
  return response
}

function readResponse(reader: MsgpackReader, type: ApiName, fieldCount: number): MqResponse {
  switch (type) {
    case 'produce':
      return readProduceResponse(reader)
    case 'fetch':
      return readFetchResponse(reader)
    case 'replicaFetch':
      return readReplicaFetchResponse(reader)
  }
  return responses.unpack(type, readPlains(reader, fieldCount))
}

function checkFieldCount(what: string, found: number, wanted: number): void {
  if (found === wanted) return
  throw new ProtocolError(`Cannot decode a ${what}: it has ${found} fields, not ${wanted}`)
}

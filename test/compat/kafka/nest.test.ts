// NestJS's Kafka transport, which is kafkajs with conventions of its own: a service that answers
// messages and receives events, and a client of it.

import 'reflect-metadata'
import { Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  ClientKafka,
  EventPattern,
  type KafkaOptions,
  MessagePattern,
  Transport,
} from '@nestjs/microservices'
import { logLevel } from 'kafkajs'
import { firstValueFrom } from 'rxjs'
import t from 'tap'
import { worldTest } from '../../broker/broker-world.ts'
import { newTopic } from '../../broker/kafka/exchanges.ts'
import { kafkaClient } from '../../broker/kafka/kafka-client.ts'
import { serversOf } from './npm-world.ts'

const flags = ['--group.initial.rebalance.delay.ms=50']

worldTest(t, 'a NestJS service gets calls and events', { brokers: 3, flags }, async (t, world) => {
  for (const topic of ['sum', 'sum.reply', 'said']) {
    await newTopic(kafkaClient(world), topic, { partitions: 2, replicas: 3 })
  }
  const heard: unknown[] = []
  let hear: (() => void) | undefined
  class Service {
    sum(numbers: readonly number[]): number {
      return numbers.reduce((sum, number) => sum + number, 0)
    }

    said(event: unknown): void {
      heard.push(event)
      hear?.()
    }
  }
  // As its decorators do, which are not part of the JavaScript that runs here.
  const { sum, said } = Object.getOwnPropertyDescriptors(Service.prototype)
  MessagePattern('sum')(Service.prototype, 'sum', sum)
  EventPattern('said')(Service.prototype, 'said', said)
  Controller()(Service)
  class App {}
  Module({ controllers: [Service] })(App)

  const client = { brokers: serversOf(world), logLevel: logLevel.NOTHING }
  const options: KafkaOptions = {
    transport: Transport.KAFKA,
    options: {
      client,
      consumer: { groupId: 'service', maxWaitTimeInMs: 50 },
      subscribe: { fromBeginning: true },
    },
  }
  const service = await NestFactory.createMicroservice(App, { ...options, logger: false })
  await service.listen()
  const asking = new ClientKafka({ client, consumer: { groupId: 'asks', maxWaitTimeInMs: 50 } })
  asking.subscribeToResponseOf('sum')
  await asking.connect()
  try {
    t.equal(await firstValueFrom(asking.send('sum', [1, 2, 39])), '42')
    const isHeard = new Promise<void>((resolve) => {
      hear = resolve
    })
    await firstValueFrom(asking.emit('said', { key: 'k', value: { word: 'hello' } }))
    await isHeard
    t.same(heard, [{ word: 'hello' }])
  } finally {
    await asking.close()
    await service.close()
  }
})

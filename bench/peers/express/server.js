// A receiver as Shopify's own library for Node suggests it: validate, publish, wait for the confirm.
import '@shopify/shopify-api/adapters/node';
import { LogSeverity, shopifyApi } from '@shopify/shopify-api';
import amqp from 'amqplib';
import express from 'express';

const { AMQP_URL, PORT, QUEUE, SHOPIFY_CLIENT_SECRET } = process.env;

const shopify = shopifyApi({
  apiKey: 'bench',
  apiSecretKey: SHOPIFY_CLIENT_SECRET,
  apiVersion: '2026-10',
  hostName: '127.0.0.1',
  isEmbeddedApp: false,
  logger: { level: LogSeverity.Error },
});

const connection = await amqp.connect(AMQP_URL);
const channel = await connection.createConfirmChannel();
await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });

function publish(body, headers) {
  return new Promise((resolve, reject) => {
    const options = { persistent: true, mandatory: true, headers };
    channel.publish('', QUEUE, body, options, (error) => (error ? reject(error) : resolve()));
  });
}

const app = express();

app.get('/readyz', (request, response) => response.sendStatus(200));

app.post(
  '/api/v1/shopify/webhooks',
  express.raw({ type: '*/*', limit: '16mb' }),
  async (request, response) => {
    const checked = await shopify.webhooks.validate({
      rawBody: request.body.toString('utf8'),
      rawRequest: request,
      rawResponse: response,
    });
    if (!checked.valid) {
      response.sendStatus(401);
      return;
    }
    try {
      await publish(request.body, { topic: checked.topic, webhook: checked.webhookId });
      response.sendStatus(200);
    } catch {
      response.sendStatus(503);
    }
  },
);

app.listen(Number(PORT), '127.0.0.1');

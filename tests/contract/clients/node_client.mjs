// npm's @shopify/shopify-api, as its users write it. Arguments: the shop's domain, the app's key and
// secret, the simulator's own address. Prints what it found as one JSON object.
import http from 'node:http';
import '@shopify/shopify-api/adapters/node';
import { shopifyApi, ApiVersion } from '@shopify/shopify-api';

const [shop, apiKey, apiSecretKey, simulator] = process.argv.slice(2);
const found = {};
let session;
let delivered;
const delivery = new Promise((resolve) => { delivered = resolve; });

const server = http.createServer(async (rawRequest, rawResponse) => {
  const path = rawRequest.url.split('?')[0];
  try {
    if (path === '/auth') {
      await shopify.auth.begin({ shop, callbackPath: '/auth/callback', isOnline: false, rawRequest, rawResponse });
    } else if (path === '/auth/callback') {
      session = (await shopify.auth.callback({ rawRequest, rawResponse })).session;
      rawResponse.end('installed');
    } else {
      const parts = [];
      for await (const part of rawRequest) parts.push(part);
      const rawBody = Buffer.concat(parts).toString();
      const good = await shopify.webhooks.validate({ rawBody, rawRequest, rawResponse });
      const bad = await shopify.webhooks.validate({ rawBody: `${rawBody} `, rawRequest, rawResponse });
      rawResponse.end();
      delivered({ good, bad });
    }
  } catch (error) {
    rawResponse.statusCode = 500;
    rawResponse.end(String(error));
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const port = server.address().port;
const shopify = shopifyApi({
  apiKey, apiSecretKey, hostName: `127.0.0.1:${port}`, hostScheme: 'http', apiVersion: ApiVersion.October26,
  scopes: ['read_orders', 'read_all_orders', 'read_products'], isEmbeddedApp: false, logger: { level: 0 },
});

// The merchant's browser: to the app, to Shopify, back to the app with its cookies.
const browser = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
const begun = await fetch(`http://127.0.0.1:${port}/auth`, { redirect: 'manual', headers: browser });
const cookie = begun.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
const approved = await fetch(begun.headers.get('location'), { redirect: 'manual' });
const back = await fetch(approved.headers.get('location'), { headers: { ...browser, cookie } });
found.installed = await back.text();
found.scope = session?.scope;
const forged = await fetch(approved.headers.get('location').replace('code=', 'code=0'), { headers: { ...browser, cookie } });
found.forged = forged.status;

const client = new shopify.clients.Graphql({ session });
const { data } = await client.request(
  'query Some($n: Int!) { shop { myshopifyDomain } orders(first: $n) { nodes { id } } }', { variables: { n: 3 } },
);
found.domain = data.shop.myshopifyDomain;
found.orders = data.orders.nodes.length;
const made = await client.request(
  `mutation Hook($uri: String!) { webhookSubscriptionCreate(topic: ORDERS_UPDATED,
    webhookSubscription: { uri: $uri }) { webhookSubscription { id } userErrors { message } } }`,
  { variables: { uri: `http://127.0.0.1:${port}/hooks` } },
);
found.complaints = made.data.webhookSubscriptionCreate.userErrors;
await fetch(`${simulator}/_sim/shops/${shop}/actions`, {
  method: 'POST', body: JSON.stringify({ action: 'update_order', seed: 1 }),
});
const { good, bad } = await delivery;
found.valid = good.valid;
found.topic = good.topic;
found.from = good.domain;
found.bent = bad.valid;
server.closeAllConnections();
server.close();
console.log(JSON.stringify(found));

// SPDX-License-Identifier: Apache-2.0
// What is sold in every row, by Farthing and by the reference alike.

export const PATH = "/weather";
export const PRICE = "$0.001";
export const PRICE_ATOMIC = 1000n;
export const DESCRIPTION = "Weather";
export const MIME_TYPE = "application/json";
export const BODY = JSON.stringify({ weather: "sunny", degrees: 21 });
export const NETWORK = "eip155:84532";

/// The same as the configuration of the reference middleware.
export const routesFor = (payTo) => ({
  [`GET ${PATH}`]: {
    accepts: { scheme: "exact", network: NETWORK, payTo, price: PRICE },
    description: DESCRIPTION,
    mimeType: MIME_TYPE,
  },
});

/**
 * A connection's figures in a few words, from the long list of reports that a browser gives.
 */

/**
 * @typedef {object} PeerStats
 * @property {import("./peer.js").PeerState} state
 * @property {{ dtls: string, tls: string, dtlsCipher: string, srtpCipher: string }} encryption as the browser names it
 * @property {{ local: string, remote: string, protocol: string, rttMs: number, availableKbit: number } | null} route
 *   the kinds of both candidates (`host`, `srflx`, `prflx`, `relay`)
 * @property {{ packetsReceived: number, packetsLost: number, energyReceived: number, energySent: number,
 *   bytesReceived: number, bytesSent: number }} audio
 * @property {{ framesDecoded: number, framesEncoded: number, widthPx: number, heightPx: number, freezes: number,
 *   packetsLost: number, bytesReceived: number, bytesSent: number, codec: string }} video
 */

/** @typedef {Record<string, any> & { id: string, type: string, kind?: string }} Report */

/**
 * Reads reports; a connection that does not stand yet gives zeros and empty words.
 *
 * @param {import("./peer.js").PeerState} state
 * @param {Map<string, Report> | RTCStatsReport} reports
 * @returns {PeerStats}
 */
export function summarise(state, reports) {
  /** @type {Report[]} */
  const all = [...reports.values()];
  /** @param {string} type @param {string} [kind] @returns {Report} */
  const one = (type, kind) =>
    all.find((report) => report.type === type && (!kind || report.kind === kind)) ?? { id: "", type };
  const transport = one("transport");
  const [audioIn, videoIn] = [one("inbound-rtp", "audio"), one("inbound-rtp", "video")];
  const [audioOut, videoOut] = [one("outbound-rtp", "audio"), one("outbound-rtp", "video")];
  return {
    state,
    encryption: {
      dtls: transport.dtlsState ?? "",
      tls: transport.tlsVersion ?? "",
      dtlsCipher: transport.dtlsCipher ?? "",
      srtpCipher: transport.srtpCipher ?? "",
    },
    route: route(all, transport.selectedCandidatePairId),
    audio: {
      packetsReceived: audioIn.packetsReceived ?? 0,
      packetsLost: audioIn.packetsLost ?? 0,
      energyReceived: audioIn.totalAudioEnergy ?? 0,
      energySent: one("media-source", "audio").totalAudioEnergy ?? 0,
      bytesReceived: audioIn.bytesReceived ?? 0,
      bytesSent: audioOut.bytesSent ?? 0,
    },
    video: {
      framesDecoded: videoIn.framesDecoded ?? 0,
      framesEncoded: videoOut.framesEncoded ?? 0,
      widthPx: videoIn.frameWidth ?? 0,
      heightPx: videoIn.frameHeight ?? 0,
      freezes: videoIn.freezeCount ?? 0,
      packetsLost: videoIn.packetsLost ?? 0,
      bytesReceived: videoIn.bytesReceived ?? 0,
      bytesSent: videoOut.bytesSent ?? 0,
      codec: all.find((report) => report.id === (videoIn.codecId ?? videoOut.codecId))?.mimeType ?? "",
    },
  };
}

/**
 * @param {Report[]} all
 * @param {string | undefined} pairId
 * @returns {PeerStats["route"]}
 */
function route(all, pairId) {
  const pair = all.find((report) => report.id === pairId);
  if (!pair) return null;
  /** @param {string} id */
  const candidate = (id) => all.find((report) => report.id === id);
  const local = candidate(pair.localCandidateId);
  return {
    local: local?.candidateType ?? "",
    remote: candidate(pair.remoteCandidateId)?.candidateType ?? "",
    protocol: local?.relayProtocol ?? local?.protocol ?? "",
    rttMs: (pair.currentRoundTripTime ?? 0) * 1000,
    availableKbit: (pair.availableOutgoingBitrate ?? 0) / 1000,
  };
}

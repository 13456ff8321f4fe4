// recording-full.mjs - a recorder whose disk is full stops visibly; media and the rest go on

export { runFull as run } from './recording.mjs';

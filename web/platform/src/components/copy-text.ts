import { general as texts } from "../texts";
import { say } from "./toast";

/** Copies a text and says `done`, or that it did not work. Returns whether it did. */
export const copyText = async (text: string, done: string): Promise<boolean> => {
    try {
        await navigator.clipboard.writeText(text);
        say(done);
        return true;
    } catch {
        say(texts.notCopied);
        return false;
    }
};

// Every text that people see. One file an area; another language is another folder with the same names.
export { access } from "./en/access";
export { account } from "./en/account";
export { administration } from "./en/administration";
export { artifacts } from "./en/artifacts";
export { audit } from "./en/audit";
export { chat } from "./en/chat";
export { forms } from "./en/forms";
export { general } from "./en/general";
export { home } from "./en/home";
export { organization } from "./en/organization";
export { search } from "./en/search";
export { signIn } from "./en/sign-in";

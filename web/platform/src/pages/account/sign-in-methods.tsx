import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="sign-in-methods" />;

export default Page;

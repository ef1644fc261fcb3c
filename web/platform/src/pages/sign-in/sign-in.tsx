import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="sign-in" />;

export default Page;
